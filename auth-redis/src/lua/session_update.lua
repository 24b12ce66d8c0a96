-- KEYS: row, marker. ARGV: expected version, next version, data. Answers 0 (gone), 1 (conflict), 2 (written).
local row = redis.call('GET', KEYS[1])
local marker = redis.call('GET', KEYS[2]) or ''
if not row then
  return 0
end
if not is_row(row) or #row < 159 or not is_marker(marker) then
  return damaged()
end
if is_outdated(row, marker) then
  return 0
end
if version(row) ~= ARGV[1] then
  return 1
end
local login, terms = struct.unpack('>I4I4', string.sub(row, 152, 159))
local head = 159 + login + terms
if head > #row then
  return damaged()
end
local written = string.sub(row, 1, 58) .. ARGV[2] .. string.sub(row, 67, head) .. ARGV[3]
redis.call('SET', KEYS[1], written, 'XX', 'KEEPTTL')
return 2
