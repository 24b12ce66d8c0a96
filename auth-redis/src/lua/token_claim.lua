-- KEYS: row. ARGV: row, now. Answers 1 for the first, 0 if there is a live one.
local old = redis.call('GETRANGE', KEYS[1], 0, 9)
if old ~= '' and not is_row(old) then
  return damaged()
end
if old ~= '' and is_live(old, ARGV[2]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1])
keep(KEYS[1], -2, number(expires_at(ARGV[1])), number(ARGV[2]))
return 1
