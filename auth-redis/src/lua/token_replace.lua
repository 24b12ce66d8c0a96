-- KEYS: row, index of the subject, rows of the members. ARGV: row, hash, subject, now, members.
-- Answers 1 if it was stored, 0 if there is one, or the members to come back with.
local row, now = ARGV[1], number(ARGV[4])
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local members = members_of(KEYS[2], 32)
local keys = declared(members, 5, 3)
if not keys then
  return members
end
local old = all_about(ARGV[3], keys, members, ARGV[4])
local deadline = number(expires_at(row))
-- The new row first: on a full server it is what is refused, and then the old ones are as they were.
redis.call('SET', KEYS[1], row, 'NX')
keep(KEYS[1], -2, deadline, now)
for _, key in ipairs(old) do
  redis.call('DEL', key)
end
redis.call('DEL', KEYS[2])
enter(KEYS[2], ARGV[2], deadline, now)
return 1
