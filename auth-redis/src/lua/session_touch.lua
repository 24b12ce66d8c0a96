-- KEYS: row, marker, index. ARGV: id, idle_until, now. Answers whether it was alive.
local now = ARGV[3]
local row = redis.call('GETRANGE', KEYS[1], 0, 65)
local marker = redis.call('GET', KEYS[2]) or ''
if row == '' then
  return 0
end
if not is_row(row) or not is_marker(marker) then
  return damaged()
end
if not is_live(row, now) or is_outdated(row, marker) then
  return 0
end

local idle, used, absolute = ARGV[2], last_used_at(row), absolute_until(row)
if less(absolute, idle) then
  idle = absolute
end
if less(idle, idle_until(row)) then
  idle = idle_until(row)
end
if less(used, now) then
  used = now
end
local deadline = number(less(idle, absolute) and idle or absolute)
local left = redis.call('PTTL', KEYS[1])
redis.call('SETRANGE', KEYS[1], 18, used .. idle)
keep(KEYS[1], left, deadline, number(now))
if principal(row) ~= NOBODY then
  -- Adds what is missing, too: a lost index comes back by itself.
  heal(KEYS[3])
  enter(KEYS[3], ARGV[1], deadline, number(now))
end
return 1
