-- KEYS: counter. ARGV: amount, bucket, oldest bucket that counts, oldest bucket that is kept, when all is forgotten,
-- now. Answers the sum over the window.
local amount, bucket, oldest, kept = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local MOST = 9007199254740992 -- 2^53, where numbers of Lua stop being exact.
local sum, current, old = 0, 0, {}
local found = redis.call('HGETALL', KEYS[1])
for i = 1, #found, 2 do
  local at, n = tonumber(found[i]), tonumber(found[i + 1])
  if not at or not n then
    return damaged()
  end
  if found[i] == bucket then
    current = n
  end
  if at >= oldest then
    sum = sum + n
  end
  if at < kept then
    old[#old + 1] = found[i]
  end
end
if amount > 0 then
  local left = redis.call('PTTL', KEYS[1])
  redis.call('HSET', KEYS[1], bucket, string.format('%.0f', math.min(current + amount, MOST)))
  for _, field in ipairs(old) do
    redis.call('HDEL', KEYS[1], field)
  end
  keep(KEYS[1], left, tonumber(ARGV[5]), tonumber(ARGV[6]))
  sum = sum + amount
end
return string.format('%.0f', math.min(sum, MOST))
