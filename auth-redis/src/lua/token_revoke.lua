-- KEYS: index of the subject, rows of the members. ARGV: subject, now, members.
-- Answers how many live tokens there were, or the members to come back with.
local members = members_of(KEYS[1], 32)
local keys = declared(members, 3, 2)
if not keys then
  return members
end
local old, live = all_about(ARGV[1], keys, members, ARGV[2])
for _, key in ipairs(old) do
  redis.call('DEL', key)
end
redis.call('DEL', KEYS[1])
return live
