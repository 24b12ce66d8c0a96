-- KEYS: row. ARGV: now. Removes a token or claim that has expired. Answers how many it removed.
local row = redis.call('GETRANGE', KEYS[1], 0, 9)
if row == '' or not is_row(row) or is_live(row, ARGV[1]) then
  return 0
end
return redis.call('DEL', KEYS[1])
