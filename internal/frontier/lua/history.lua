-- history: records what a running job has done, once a second and once a minute. The work does not
-- depend on how long the job has run.
-- KEYS[1]  the job
-- KEYS[2]  its samples of the last hour, one a second
-- KEYS[3]  its samples of the last day, one a minute
-- ARGV     pages, URLs settled, bytes, URLs failed, URLs seen; how many parts KEYS[2] and KEYS[3] have
-- Returns  1 if a sample was recorded, 0 if this second has one or the job is not running
--
-- A key is a hash. Its field "last" has the newest sample: "SECONDS PAGES SETTLED BYTES FAILED SEEN".
-- The others have a part each, of sixty periods, and are used in turn. A part is its first sample and
-- a semicolon, and then for each sample what it has more than the one before, in hexadecimal:
-- "SECONDS,PAGES,SETTLED,BYTES,FAILED,SEEN;" where the period is subtracted from SECONDS, and PAGES
-- from SETTLED; an empty number is 0.

if redis.call('HGET', KEYS[1], 'state') ~= 'running' then return 0 end
local now = tonumber(redis.call('TIME')[1])

local function numbers(text)
  local all = {}
  for number in string.gmatch(text or '', '%-?%d+') do all[#all + 1] = tonumber(number) end
  return #all == 6 and all or nil
end

local function hex(n)
  if n == 0 then return '' end
  return n < 0 and '-' .. string.format('%x', -n) or string.format('%x', n)
end

-- record adds the sample to a key unless it has one of the same period.
local function record(key, period, parts)
  local kind = redis.call('TYPE', key)
  if type(kind) == 'table' then kind = kind.ok end
  if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', key) end -- garbage
  local last = numbers(redis.call('HGET', key, 'last'))
  if last and math.floor(last[1] / period) == math.floor(now / period) then return 0 end
  local sample = { now }
  for i = 1, 5 do sample[i + 1] = tonumber(ARGV[i]) end
  local part = math.floor(now / (60 * period))
  local field, text = string.format('%d', part % parts), nil
  if last and last[1] < now and math.floor(last[1] / (60 * period)) == part then
    text = redis.call('HGET', key, field)
  end
  if text then
    local more = {}
    for i = 1, 6 do more[i] = sample[i] - last[i] end
    more[1], more[3] = more[1] - period, more[3] - more[2]
    for i = 1, 6 do more[i] = hex(more[i]) end
    text = text .. table.concat(more, ',') .. ';'
  end
  for i = 1, 6 do sample[i] = string.format('%d', sample[i]) end
  local newest = table.concat(sample, ' ')
  redis.call('HSET', key, field, text or newest .. ';', 'last', newest)
  return 1
end

record(KEYS[3], 60, tonumber(ARGV[7]))
return record(KEYS[2], 1, tonumber(ARGV[6]))
