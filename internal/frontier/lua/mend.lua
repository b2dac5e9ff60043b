-- mend: handles a key that a verb cannot work with, because another program wrote to this Redis
-- or restored a part of it. If a key of a host has the wrong type, it is set aside (renamed, for
-- a week), recorded in the shard's list of garbage and counted, and the verb continues without
-- it. If the whole shard depends on the key, the verb ends with an error that names it.
--
-- This is the body of the function mend(err, command, key, field), which call.lua declares. Its
-- definitions cost nothing until it is called.

local ASIDE_MS = 7 * 86400 * 1000

-- keys_of_hosts are the keys that a shard can do without, by prefix. Without a bucket of seen, or its
-- filter, the URLs that were in it are fetched again if a page links to them.
local keys_of_hosts = { HOST(''), FOLD(''), SEEN(''), FILTERS(''), GROUPS, URGENT, QUEUES, LATER(''), FLIGHT(''), CONTENT(''), ADDRESS(''), PARKED(''), FAILURES, FAILED(''),
  GARBAGE, SEGMENTS, UNSHIPPED, RECLAIMED, SEGMENT(''), OUTLINKS(''), NEARER,
  SKETCHES(''), SKETCHED(''), BAND(''), LESSONS(''), ALL_PATHS, ALL_STATES, PRIORS('') }

-- reset restarts a host whose record was garbage. Its new epoch is one that no visit ever had, so
-- that no earlier task is mistaken for the next one. It is due only after ten seconds, so that a
-- visit that is still open has time to notice that it lost the host.
local function reset(host)
  local now = now_ms()
  redis_call('HSET', HOST(host), 'epoch', now, 'seen', 1)
  local was_out = redis_call('ZREM', OPEN, host) + redis_call('ZREM', ARMED, host) > 0
  requeue(host, 0)
  local sealed, spilled = 0, 0
  for _, band in ipairs(BANDS) do
    for _, at in ipairs(redis_pcall('LPOS', QUEUE(band, host), SEAL, 'COUNT', 0)) do
      local block = redis_call('LINDEX', QUEUE(band, host), at + 1) or ''
      sealed = sealed + waiting_in(block) - 2
      if is_spilled(block) then spilled = spilled + waiting_in(block) end
    end
  end
  if sealed > 0 then redis_call('HSET', HOST(host), 'sealed', sealed) end
  if spilled > 0 then redis_call('HSET', HOST(host), 'spilled', spilled) end
  if was_out then
    redis_call('HSET', HOST(host), 'state', 'due')
    redis_call('ZADD', DUE, now + 10000, host)
  elseif redis_call('ZSCORE', DUE, host) then
    redis_call('HSET', HOST(host), 'state', 'due')
  end
end

local function aside()
  for _, beginning in ipairs(keys_of_hosts) do
    if string.sub(key, 1, #beginning) == beginning then
      local kind, name = redis_call('TYPE', key).ok, string.sub(key, #base + 1)
      redis_call('RENAME', key, ASIDE(name))
      redis_call('PEXPIRE', ASIDE(name), ASIDE_MS)
      note_garbage(key .. ' was a ' .. kind .. ' and is set aside')
      if beginning == HOST('') then reset(string.sub(key, #beginning + 1)) end
      return
    end
  end
  error('GARBAGE ' .. key .. ' is a ' .. redis_call('TYPE', key).ok .. ', which it should not be', 0)
end

if string.find(err, 'WRONGTYPE', 1, true) then
  aside()
elseif string.find(err, 'not an integer', 1, true) and command == 'HINCRBY' then
  redis_call('HDEL', key, field)
  if field == 'epoch' then redis_call('HSET', key, 'epoch', redis_call('TIME')[1] * 1000) end -- no visit had this epoch
  note_garbage(key .. ' had a field ' .. field .. ' that is no number')
end
