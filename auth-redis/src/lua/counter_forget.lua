-- KEYS: counter. ARGV: oldest bucket that counts, limit. Removes up to so many older ones. Answers how many.
local removed, limit = 0, tonumber(ARGV[2])
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local bucket = tonumber(field)
  if bucket and bucket < tonumber(ARGV[1]) and removed < limit then
    removed = removed + redis.call('HDEL', KEYS[1], field)
  end
end
return removed
