-- KEYS: row. ARGV: now. Answers the row of a live token and removes it, or nothing.
local row = redis.call('GET', KEYS[1])
if not row then
  return false
end
if not is_row(row) then
  return damaged()
end
if not is_token(row) or not is_live(row, ARGV[1]) then
  return false
end
redis.call('DEL', KEYS[1])
return row
