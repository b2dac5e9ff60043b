-- learn: adds a rendered page to the lessons of its host, and returns these.
-- KEYS[1]  the shard's base
-- ARGV     host, the most patterns of a host; and, unless it only reads: 1 if the page gained by
--          rendering, or 0, the key of its pattern, the key of its whole host (4 bytes each)
-- Returns  key and lesson of each pattern in turn; a lesson is two bytes: how many pages gained,
--          and how many did not

local lessons = LESSONS(ARGV[1])
if #ARGV > 2 then
  local most, gained = tonumber(ARGV[2]), ARGV[3] == '1'
  for i = 4, 5 do
    local lesson = redis.call('HGET', lessons, ARGV[i])
    -- The keys of whole hosts, one for each class, always have room.
    if lesson or i == 5 or redis.call('HLEN', lessons) < most then
      local gains, plain = 0, 0
      if lesson and #lesson == 2 then gains, plain = string.byte(lesson, 1, 2) end
      if gained and gains == 255 or not gained and plain == 255 then
        gains, plain = math.floor(gains / 2), math.floor(plain / 2)
      end
      if gained then gains = gains + 1 else plain = plain + 1 end
      redis.call('HSET', lessons, ARGV[i], string.char(gains, plain))
    end
  end
end
return redis.call('HGETALL', lessons)
