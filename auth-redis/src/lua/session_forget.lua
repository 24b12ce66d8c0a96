-- KEYS: row, index. ARGV: id, now. Removes a session that is past a deadline. Answers how many it removed.
local row = redis.call('GETRANGE', KEYS[1], 0, 65)
if row == '' or not is_row(row) or is_live(row, ARGV[2]) then
  return 0
end
redis.call('DEL', KEYS[1])
redis.pcall('ZREM', KEYS[2], ARGV[1])
return 1
