-- KEYS: row, index of the subject. ARGV: row, hash, now. Answers 1 if it was stored, 0 if there is one.
local row, now = ARGV[1], number(ARGV[3])
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('ZCARD', KEYS[2]) -- Fails before anything is written if it is no sorted set.
local deadline = number(expires_at(row))
redis.call('SET', KEYS[1], row, 'NX')
keep(KEYS[1], -2, deadline, now)
sweep(KEYS[2])
enter(KEYS[2], ARGV[2], deadline, now)
return 1
