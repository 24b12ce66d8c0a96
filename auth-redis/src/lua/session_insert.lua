-- KEYS: row, marker, index, rows of the members. ARGV: row, id, now, most sessions (0: any number),
-- 'oldest' or 'refuse', members.
-- Answers how many ended, or -1 (collision), -2 (outdated), -3 (limit), or the members to come back with.
local row, id, now, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local marker = redis.call('GET', KEYS[2]) or ''
if redis.call('EXISTS', KEYS[1]) == 1 then
  return -1
end
if not is_marker(marker) then
  return damaged()
end
if is_outdated(row, marker) then
  return -2
end

local somebody = principal(row) ~= NOBODY
local live, gone = {}, {}
if somebody and most > 0 and not is_foreign(KEYS[3]) then
  local members
  members, gone = members_of(KEYS[3], 24)
  local keys = declared(members, 6, 4)
  if not keys then
    return members
  end
  for _, member in ipairs(members) do
    local other = redis.call('GETRANGE', keys[member], 0, 65)
    if other == '' then
      gone[#gone + 1] = member
    elseif is_row(other) and principal(other) == principal(row) and is_live(other, now)
      and not has_actor(other) and not is_outdated(other, marker) then
      live[#live + 1] = { created_at(other), member, keys[member] }
    end
  end
end

local ending = 0
if #live >= most and most > 0 then
  if ARGV[5] == 'refuse' then
    return -3
  end
  ending = #live - most + 1
  table.sort(live, function(a, b)
    if a[1] ~= b[1] then
      return less(a[1], b[1])
    end
    for i = 1, 24, 8 do
      local x, y = string.sub(a[2], i, i + 7), string.sub(b[2], i, i + 7)
      if x ~= y then
        return less(x, y)
      end
    end
    return false
  end)
end

-- The new row first: on a full server it is what is refused, and then nobody's session has ended for it.
local deadline = number(ends_at(row))
redis.call('SET', KEYS[1], row, 'NX')
keep(KEYS[1], -2, deadline, number(now))
if somebody then
  heal(KEYS[3])
  for i = 1, ending do
    redis.call('DEL', live[i][3])
    redis.call('ZREM', KEYS[3], live[i][2])
  end
  for _, member in ipairs(gone) do
    redis.call('ZREM', KEYS[3], member)
  end
  sweep(KEYS[3])
  enter(KEYS[3], id, deadline, number(now))
end
return ending
