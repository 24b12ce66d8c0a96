-- KEYS: row, marker. ARGV: expected version, next version with the secrets. Answers as an update does.
local row = redis.call('GETRANGE', KEYS[1], 0, 65)
local marker = redis.call('GET', KEYS[2]) or ''
if row == '' then
  return 0
end
if not is_row(row) or not is_marker(marker) then
  return damaged()
end
if is_outdated(row, marker) then
  return 0
end
if version(row) ~= ARGV[1] then
  return 1
end
redis.call('SETRANGE', KEYS[1], 58, ARGV[2])
return 2
