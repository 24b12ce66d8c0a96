-- What all scripts share.

-- The server's time, first of all: a user who may not ask for it must not get as far as a write.
local HERE = tonumber(redis.call('TIME')[1])

-- Numbers are 8 bytes, big-endian: they are compared in two halves, because a number of Lua has 53 bits; strings are not
-- compared by order, because that goes by the server's locale.
local function less(a, b)
  local a1, a2 = struct.unpack('>I4I4', a)
  local b1, b2 = struct.unpack('>I4I4', b)
  return a1 < b1 or (a1 == b1 and a2 < b2)
end

local function number(bytes)
  return (struct.unpack('>I8', bytes))
end

-- A damaged row: the client knows the word.
local function damaged()
  return redis.error_reply('DAMAGED row')
end

-- When Redis is to forget what has this deadline, by its own clock: a minute after it, but no earlier than as long after
-- now as the caller says who reads `now` on its clock.
local function forgotten_at(deadline, now)
  return math.max(deadline, HERE + math.max(deadline - now, 0)) + 60
end

-- Makes Redis forget `key` at a time. `left` is what PTTL said before the key was written; the time is never shortened.
local function keep_until(key, left, at)
  if left == -1 then
    return
  end
  if at >= 8796093022208 then
    redis.call('PERSIST', key)
  elseif left == -2 or HERE * 1000 + left < at * 1000 then
    redis.call('PEXPIREAT', key, string.format('%.0f', at * 1000))
  end
end

-- The same, by the deadline.
local function keep(key, left, deadline, now)
  keep_until(key, left, forgotten_at(deadline, now))
end

-- Adds a member to an index, by when its row is forgotten, and keeps the index as long. What there is to remove is
-- removed before: the last member takes the key with it, and its time. An index that has none, though it has members, is
-- given what the longest of them needs.
local function enter(index, member, deadline, now)
  local left, at = redis.call('PTTL', index), forgotten_at(deadline, now)
  redis.call('ZADD', index, 'GT', string.format('%.0f', at), member)
  if left == -1 then
    local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')
    left, at = -2, math.max(at, tonumber(last[2]))
  end
  keep_until(index, left, at)
end

-- Removes the members whose rows Redis has forgotten: by its own clock, for a caller's may be ahead.
local function sweep(index)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', string.format('(%.0f', HERE))
end

-- What an index has: the members of the size that names a row, and the others, which name nothing.
local function members_of(index, size)
  local members, strange = {}, {}
  for _, member in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local whose = #member == size and members or strange
    whose[#whose + 1] = member
  end
  return members, strange
end

-- Compares the members of an index with what the caller declared: the keys by member, or nil if some are missing.
local function declared(members, first_argument, first_key)
  local keys = {}
  for i = first_argument, #ARGV do
    keys[ARGV[i]] = KEYS[first_key + i - first_argument]
  end
  for _, member in ipairs(members) do
    if not keys[member] then
      return nil
    end
  end
  return keys
end

