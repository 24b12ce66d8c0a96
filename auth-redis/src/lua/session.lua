-- The fixed part of a session's row; `sessions/row.rs` has the layout.
local NOBODY = string.rep('\0', 16)

local function created_at(row) return string.sub(row, 3, 10) end
local function absolute_until(row) return string.sub(row, 11, 18) end
local function last_used_at(row) return string.sub(row, 19, 26) end
local function idle_until(row) return string.sub(row, 27, 34) end
local function epoch(row) return string.sub(row, 35, 42) end
local function principal(row) return string.sub(row, 43, 58) end
local function version(row) return string.sub(row, 59, 66) end

local function is_row(row)
  return #row >= 66 and string.byte(row, 1) == 1
end

local function has_actor(row)
  return string.byte(row, 2) >= 2
end

local function ends_at(row)
  local absolute, idle = absolute_until(row), idle_until(row)
  return less(idle, absolute) and idle or absolute
end

local function is_live(row, now)
  return less(now, ends_at(row))
end

-- An index only helps to find rows. Whatever else somebody put in its place is in the way of that, and is removed: the
-- sessions come back to the index as they are touched.
local function is_foreign(index)
  local kind = redis.call('TYPE', index).ok
  return kind ~= 'zset' and kind ~= 'none'
end

local function heal(index)
  if is_foreign(index) then
    redis.call('DEL', index)
  end
end

-- The epoch that a marker has for a principal, and until when it is kept.
local function marked(marker, whose)
  for i = 1, #marker, 32 do
    if string.sub(marker, i, i + 15) == whose then
      return string.sub(marker, i + 16, i + 23), string.sub(marker, i + 24, i + 31)
    end
  end
end

local function is_outdated(row, marker)
  if principal(row) == NOBODY then
    return false
  end
  local least = marked(marker, principal(row))
  return least ~= nil and less(epoch(row), least)
end

local function is_marker(marker)
  return #marker % 32 == 0
end

