-- KEYS: row, marker, index. ARGV: id. Answers whether there was a session. Whatever is under the key goes.
local row = redis.pcall('GETRANGE', KEYS[1], 0, 65)
local marker = redis.pcall('GET', KEYS[2]) or ''
local ended = type(row) == 'string' and is_row(row) and type(marker) == 'string' and is_marker(marker)
  and is_outdated(row, marker)
local removed = redis.call('DEL', KEYS[1])
redis.pcall('ZREM', KEYS[3], ARGV[1])
return (removed == 1 and not ended) and 1 or 0
