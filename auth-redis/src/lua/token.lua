-- A row of a token or a claim; `tokens/row.rs` has the layout.
local function is_row(row)
  return #row >= 10 and string.byte(row, 1) == 1
end

local function is_token(row)
  return string.byte(row, 2) == 1
end

local function expires_at(row) return string.sub(row, 3, 10) end

local function is_live(row, now)
  return less(now, expires_at(row))
end

-- Whether it is a token about this subject.
local function is_about(row, subject)
  if not row or not is_row(row) or not is_token(row) or #row < 12 then
    return false
  end
  local length = struct.unpack('>I2', string.sub(row, 11, 12))
  return string.sub(row, 13, 12 + length) == subject
end

-- The keys of the tokens about a subject among those declared, and how many are live.
local function all_about(subject, keys, members, now)
  local found, live = {}, 0
  for _, member in ipairs(members) do
    local row = redis.call('GET', keys[member])
    if is_about(row, subject) then
      found[#found + 1] = keys[member]
      if is_live(row, now) then
        live = live + 1
      end
    end
  end
  return found, live
end

