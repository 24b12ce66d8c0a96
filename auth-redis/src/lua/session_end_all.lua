-- KEYS: marker, index, row of the excepted session (or the marker again), rows of the members.
-- ARGV: principal, epoch, the epoch before ('' for none), now, until when the marker is kept, id of the excepted
-- session ('' for none), 'first' for the first chunk of members, members.
-- Answers how many ended, and the first time, after it, the members that the caller did not declare: from now on they
-- are either refused by the marker or newer than this.
local whose, least, before, now, kept, excepted = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local marker = redis.call('GET', KEYS[1]) or ''
if not is_marker(marker) then
  return damaged()
end
-- The marker ends what is older, whatever the index is.
heal(KEYS[2])
local answer = { 0 }
if ARGV[7] == 'first' then
  local known = {}
  for i = 8, #ARGV do
    known[ARGV[i]] = true
  end
  local members, strange = members_of(KEYS[2], 24)
  for _, member in ipairs(members) do
    if not known[member] then
      answer[#answer + 1] = member
    end
  end
  for _, member in ipairs(strange) do
    redis.call('ZREM', KEYS[2], member)
  end
end

local spared = false
if excepted ~= '' and before ~= '' then
  local row = redis.pcall('GETRANGE', KEYS[3], 0, 65)
  -- What the marker has ended already is not brought back by being spared.
  spared = type(row) == 'string' and is_row(row) and principal(row) == whose and epoch(row) == before
    and not is_outdated(row, marker)
end

-- Deleting first: it needs no memory, and on a full server it makes room for the marker.
for i = 8, #ARGV do
  local key, member = KEYS[i - 4], ARGV[i]
  local row = redis.pcall('GETRANGE', key, 0, 65)
  if row == '' then
    redis.call('ZREM', KEYS[2], member)
  elseif type(row) ~= 'string' or not is_row(row) then
    redis.call('DEL', key)
    redis.call('ZREM', KEYS[2], member)
  elseif principal(row) == whose and less(epoch(row), least) and not (spared and member == excepted) then
    answer[1] = answer[1] + redis.call('DEL', key)
    redis.call('ZREM', KEYS[2], member)
  end
end

-- A marker never goes down, and its time is never shortened.
local old, old_kept = marked(marker, whose)
if old and less(least, old) then
  least = old
end
if old_kept and less(kept, old_kept) then
  kept = old_kept
end
local entries = { whose .. least .. kept }
for i = 1, #marker, 32 do
  local entry = string.sub(marker, i, i + 31)
  if string.sub(entry, 1, 16) ~= whose and less(now, string.sub(entry, 25, 32)) then
    entries[#entries + 1] = entry
  end
end
local left = redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], table.concat(entries), 'KEEPTTL')
keep(KEYS[1], left, number(kept), number(now))
if spared then
  redis.call('SETRANGE', KEYS[3], 34, ARGV[2])
end
return answer
