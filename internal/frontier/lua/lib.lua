-- Code that the scripts of a shard share. A script contains the paragraphs of this file that it
-- uses (scripts.go), preceded by the key names.

-- Bands in the order in which they are taken; see crawler.BandOrder.
local BAND_URGENT, BAND_NORMAL, BAND_LOW = '3', '1', '2'
local BANDS = { BAND_URGENT, '0', BAND_NORMAL, BAND_LOW }

-- count adds to a counter of the shard, and returns its value. Between sum_counts and write_counts
-- it returns nothing: what it adds is written at the end, with one command for each counter.
local sums
local function count(name, by)
  if by == 0 then return end
  if not sums then return redis.call('HINCRBY', COUNT, name, by) end
  sums[name] = (sums[name] or 0) + by
end

local function sum_counts() sums = {} end

local function write_counts()
  for name, by in pairs(sums) do
    if by ~= 0 then redis.call('HINCRBY', COUNT, name, by) end
  end
  sums = nil
end

-- holds returns whether the visit with this epoch holds the host.
local function holds(host, epoch)
  local h = redis.call('HMGET', HOST(host), 'state', 'epoch')
  return h[1] == 'open' and h[2] == epoch
end

-- extend moves the deadline of an open visit. A full Redis refuses a command that may need memory
-- only if it is the script's first write. Because ZREM comes first, a visit stays alive in a full
-- Redis.
local function extend(host, lease)
  redis.call('ZREM', OPEN, host)
  redis.call('ZADD', OPEN, now_ms() + lease, host)
end

-- reserve_tickets reserves n tickets at a host after the last one, and returns the first. Tickets
-- start at the clock's milliseconds at least, so none is given out twice, even if Redis loses its
-- last moments in a failover. More fields of the host can be written in the same call.
local function reserve_tickets(host, last, n, now, ...)
  local first = math.max(tonumber(last) + 1, now)
  redis.call('HSET', HOST(host), 'ticket', string.format('%d', first + n - 1), ...)
  return first
end

-- name_ticket returns the ticket of a URL in flight: the band of its queue and a number.
local function name_ticket(band, number) return band .. ':' .. string.format('%d', number) end

local STALE = redis.error_reply('STALE the visit no longer holds its host')

-- in_flight returns a host's URLs in flight in the order in which they were taken: { ticket's
-- number, band, ticket, packed entry } for each. It notes those that are garbage.
local function in_flight(host)
  local flight, urls = redis.call('HGETALL', FLIGHT(host)), {}
  for i = 1, #flight, 2 do
    local band, number = string.match(flight[i], '^(%d):(%d+)$')
    if number and flight[i + 1] ~= '' then
      urls[#urls + 1] = { tonumber(number), band, flight[i], flight[i + 1] }
    else
      note_garbage('in flight at ' .. host .. ' under ' .. flight[i] .. ': ' .. flight[i + 1])
    end
  end
  table.sort(urls, function(a, b) return a[1] < b[1] end)
  return urls
end

-- A host's field "bands" names the bands in which URLs may wait, so that a visit need not look for
-- others. It is deleted when URLs begin to wait in another way than through wake, as retries do.
-- Then all bands are looked at, until the host is idle again.
local function forget_bands(host) redis.call('HDEL', HOST(host), 'bands') end

-- requeue returns a host's entries in flight to the front of its queues, in the order in which
-- they were taken. lost is added to the lower seven bits of the first byte of each entry.
local function requeue(host, lost)
  local urls = in_flight(host)
  for i = #urls, 1, -1 do
    local band, entry = urls[i][2], urls[i][4]
    if lost > 0 then
      local first = string.byte(entry) -- its highest bit says that the entry is of a tracked page
      local before = first % 128
      entry = string.char(first - before + math.min(127, before + lost)) .. string.sub(entry, 2)
    end
    redis.call('LPUSH', QUEUE(band, host), entry)
  end
  redis.call('DEL', FLIGHT(host))
  if #urls > 0 then forget_bands(host) end
  count('flight', -#urls)
  count('waiting', #urls)
  return #urls
end

-- pack_later packs an entry to be retried, and unpack_later unpacks it: the entry is prefixed by
-- its band, unless that is the normal one. This is unambiguous, because an entry begins with a
-- byte that counts how often it was lost, which is always less than the code of a digit.
local function pack_later(band, entry) return (band == BAND_NORMAL and '' or band) .. entry end

local function unpack_later(text)
  local band = string.match(text, '^%d')
  if band then return band, string.sub(text, 2) end
  return BAND_NORMAL, text
end

-- queues returns the names of a host's queues.
local function queues(host)
  return QUEUE(BANDS[1], host), QUEUE(BANDS[2], host), QUEUE(BANDS[3], host), QUEUE(BANDS[4], host)
end

-- SEAL is the element of a queue before a sealed block, which has entries that lie deep in the queue
-- (sealed.go). A host's field "sealed" is how many more URLs than elements its sealed blocks have.
local SEAL = '\0\4'

-- waiting_in returns how many URLs wait in a sealed block, or in a spilled one by its reference.
local function waiting_in(block)
  local high, low = string.byte(block, 1, 2)
  return low and high % 128 * 256 + low or 0
end

-- is_named returns whether a sealed block begins with a name, which tells blocks apart (sealed.go).
local function is_named(block, name) return block and string.sub(block, 1, #name) == name end

-- Instead of a sealed block, a queue may have a reference to it (spill.go). It begins with the name
-- of the block, BLOCK_NAME bytes, whose highest bit is set. The name of the object that has the
-- block follows. A host's field "spilled" is how many URLs are in its spilled blocks.
local BLOCK_NAME, OBJECT_NAME = 10, 12

-- is_spilled returns whether an element behind SEAL is a reference.
local function is_spilled(block) return (string.byte(block) or 0) >= 128 end

-- spilled_name returns the name of the block that a reference refers to.
local function spilled_name(reference)
  return string.char(string.byte(reference) - 128) .. string.sub(reference, 2, BLOCK_NAME)
end

-- add_spilled adds to the number of URLs of a host that are spilled.
local function add_spilled(host, urls)
  if redis.call('HINCRBY', HOST(host), 'spilled', urls) <= 0 then redis.call('HDEL', HOST(host), 'spilled') end
  count('spilled', urls)
end

-- object_of returns the object that a reference refers to.
local function object_of(reference)
  return string.sub(reference, BLOCK_NAME + 1, BLOCK_NAME + OBJECT_NAME)
end

-- refer adds to the number of references to an object. place is where it is, if it may be new. When
-- the last reference is gone, the time is noted instead: the object is kept for a while
-- (spillsweep.go).
local function refer(object, by, place)
  local references, known = string.match(redis.call('HGET', SPILLS, object) or '', '^(%-?%d+) (.*)$')
  if not (known or place) then return end
  references = math.max(0, tonumber(references)) + by
  if references <= 0 then references = -now_ms() end
  redis.call('HSET', SPILLS, object, string.format('%d', references) .. ' ' .. (known or place))
end

-- release_spilled counts that a reference to a block of a host is no longer in a queue.
local function release_spilled(host, reference)
  add_spilled(host, -waiting_in(reference))
  refer(object_of(reference), -1)
end

-- idle returns whether a host has no URL, neither waiting nor in flight.
local function idle(host)
  return redis.call('EXISTS', FLIGHT(host), LATER(host), queues(host)) == 0
end

-- is_urgent returns whether urgent URLs wait at a host.
local function is_urgent(host)
  if redis.call('EXISTS', QUEUE(BAND_URGENT, host)) == 1 then return true end
  local first = redis.call('ZRANGE', LATER(host), 0, 0)[1]
  return first and unpack_later(first) == BAND_URGENT
end

-- line_up makes a host due. A host with urgent URLs comes before others. Between gather_due and
-- write_due, it is made due at the end, with the same command as others.
local due_line
local function line_up(host, due, urgent)
  if due_line then
    due_line[#due_line + 1], due_line[#due_line + 2] = due, host
  else
    redis.call('ZADD', DUE, due, host)
  end
  if urgent then redis.call('ZADD', URGENT, due, host) end
end

local function gather_due() due_line = {} end

local function write_due()
  if #due_line > 0 then redis.call('ZADD', DUE, unpack(due_line)) end
  due_line = nil
end

-- NEVER is when a paused host is due: in the year 2286. So the host still counts as waiting for a
-- visit, which keeps the job from ending.
local NEVER = 9999999999999

-- paused returns whether the rules of a host, as crawler.HostRules packs them, forbid all
-- requests to it.
local function paused(rules) return rules and string.byte(rules) == 49 end

-- depart gives the address that a visited host held, if it did, to the next host in line. No
-- request may be made to the address for wait milliseconds.
local function depart(host, ip, wait)
  if not ip then return end
  redis.call('HDEL', HOST(host), 'address')
  local key = ADDRESS(ip)
  local a = redis.call('HMGET', key, 'host', 'next')
  if a[1] ~= host then return end
  -- A visit that made no request leaves the time as it was.
  local next = math.max(now_ms() + wait + 1, tonumber(a[2] or 0))
  wait = next - now_ms()
  redis.call('HSET', key, 'next', next)
  redis.call('HDEL', key, 'host', 'epoch')
  redis.call('PEXPIRE', key, wait + 60000)
  for _ = 1, 100 do -- skip hosts that are gone; a host that is missed retries by itself
    local parked = redis.call('LPOP', PARKED(ip))
    if not parked then return end
    redis.call('HDEL', HOST(parked), 'parked')
    local h = redis.call('HMGET', HOST(parked), 'state', 'rules', 'next')
    if h[1] == 'due' and not paused(h[2]) then
      line_up(parked, math.max(next, tonumber(h[3] or 0)), is_urgent(parked))
      return
    end
  end
end

-- rest makes a host that is no longer visited due, or idle if nothing waits there, and returns
-- whether it is due. No request may be made to it for wait milliseconds, and no visit is due for
-- parked milliseconds. What other jobs noted about the visit is removed. The fields of the host
-- in leaves are set and those in takes deleted with the same calls. If the host is known to be idle,
-- idling is true, or a table of all its fields.
local function rest(host, wait, parked, leaves, takes, idling)
  local h, now, sets, dels = HOST(host), now_ms(), leaves or {}, takes or {}
  local due = wait > 0 and now + wait + 1 or now -- plus 1, because the clock is rounded down
  sets[#sets + 1], sets[#sets + 2] = 'next', due
  for _, field in ipairs({ 'worker', 'call', 'rivals', 'lined', 'woken', 'recalled' }) do dels[#dels + 1] = field end

  local urgent, waits, first = false, false, {}
  if not idling and not idle(host) then
    urgent = redis.call('EXISTS', QUEUE(BAND_URGENT, host)) == 1
    waits = urgent or redis.call('EXISTS', queues(host)) > 0
    if not urgent then first = redis.call('ZRANGE', LATER(host), 0, 0, 'WITHSCORES') end
  end
  local rests = not waits and #first == 0
  if rests then
    dels[#dels + 1] = 'state'
    if fold(host, sets, dels, type(idling) == 'table' and idling) then return false end
  else
    sets[#sets + 1], sets[#sets + 2] = 'state', 'due'
  end
  redis.call('HSET', h, unpack(sets))
  redis.call('HDEL', h, unpack(dels))
  if rests then return false end

  if not waits then due = math.max(due, tonumber(first[2])) end
  due = math.max(due, now + (parked or 0))
  if paused(redis.call('HGET', h, 'rules')) then due = NEVER end
  line_up(host, due, urgent or #first > 0 and unpack_later(first[1]) == BAND_URGENT)
  return true
end

-- wake makes a host due that has something to take now, unless it is being visited. band is that of
-- the new URLs, nil if there are several; urgent says that some are urgent; fresh is how many of
-- them count as seen.
local function wake(host, band, urgent, fresh)
  local h = unfold(host, 'state', 'next', 'rules', 'bands', 'seen')
  local due = math.max(now_ms(), tonumber(h[2] or 0))
  if paused(h[3]) then due = NEVER end
  local sets, bands = {}, h[4]
  if fresh > 0 then sets[1], sets[2] = 'seen', string.format('%d', tonumber(h[5] or 0) + fresh) end
  if h[1] == 'due' then
    line_up(host, math.min(due, tonumber(redis.call('ZSCORE', DUE, host) or due)), urgent)
  elseif h[1] ~= 'armed' and h[1] ~= 'open' and h[1] ~= 'broken' then -- idle, or garbage
    sets[#sets + 1], sets[#sets + 2] = 'state', 'due'
    line_up(host, due, urgent)
    bands = ''
  end
  if not band then
    forget_bands(host)
  elseif bands and not string.find(bands, band, 1, true) then
    sets[#sets + 1], sets[#sets + 2] = 'bands', bands .. band
  end
  if #sets > 0 then redis.call('HSET', HOST(host), unpack(sets)) end
  return not h[5] and fresh > 0
end

-- queue_again puts a host's entries that were settled back into a queue, and makes the host due.
-- fresh is how many of them count as seen. Returns whether the job had not met the host.
local function queue_again(host, band, entries, fresh)
  redis.call('RPUSH', QUEUE(band, host), unpack(entries))
  return wake(host, band, band == BAND_URGENT, fresh)
end

-- forgive forgets that a host refused requests or was not reached, and returns when the next
-- request may be made. next and gap are the host's fields.
local function forgive(host, next, gap)
  redis.call('HDEL', HOST(host), 'strikes', 'trouble', 'class', 'givenup')
  next = math.min(tonumber(next or 0), now_ms() + tonumber(gap or 0)) -- the last request may have been just now
  redis.call('HSET', HOST(host), 'next', next)
  return next
end

-- unpack_failed parses what remember_failed stores: when, outcome, segment ('-': none), band, host,
-- reason, packed entry.
local function unpack_failed(item)
  local _, last, outcome, segment, band, host = string.find(item, '^%d+ (%S+) (%S+) (%d) (%S+)\n[^\n]*\n')
  if last then return outcome, segment, band, host, string.sub(item, last + 1) end
end

-- forget_failed forgets which URLs failed: those of a segment that was lost, whose URLs wait again,
-- or all if segment is nil.
local function forget_failed(segment)
  for _, name in ipairs(redis.call('HKEYS', COUNT)) do
    local cause = string.match(name, '^cause:(.+)$')
    if cause and not segment then redis.call('UNLINK', FAILED(cause)) end
    for _, item in ipairs(cause and segment and redis.call('LRANGE', FAILED(cause), 0, -1) or {}) do
      local _, of = unpack_failed(item)
      if of == segment then redis.call('LREM', FAILED(cause), 1, item) end
    end
  end
end

-- unpack_settled parses what settle stores of a URL: outcome, bytes, flags, band, host, packed
-- entry.
local function unpack_settled(item)
  local _, last, outcome, size, flags, band, host = string.find(item, '^(%S+) (%d+) (%S+) (%d) (%S+) ')
  if last then return outcome, tonumber(size), flags, band, host, string.sub(item, last + 1) end
end

-- count_sketches returns how many sketches of a size a host has. If the number of pages differs,
-- garbage was found in between, and all are forgotten.
local function count_sketches(host, size)
  local bytes, pages = redis.call('STRLEN', SKETCHES(host)), redis.call('LLEN', SKETCHED(host))
  if bytes == pages * size then return pages end
  note_garbage('sketches of ' .. host .. ': ' .. bytes .. ' bytes for ' .. pages .. ' pages')
  redis.call('DEL', SKETCHES(host))
  redis.call('DEL', SKETCHED(host))
  return 0
end

-- In a continuous job, what is known of the pages of a host is kept in blocks: PATHS has their names
-- (package pathblock), STATES a slot of SLOT bytes for each (queue.Tracked), whose last bit says
-- that the page waits to be fetched again. RETURNS has the blocks by when the first of their pages
-- is due. The slots of a full block fit 7168 bytes, one of the sizes in which Redis gets memory.
-- NO_STATE is the slot of a page that was never fetched.
local SLOT, BLOCK_PAGES = 14, 511
local NO_STATE = string.rep('\0', SLOT)

-- pack_place packs the block and the place of a page, as queue.Tracked does.
local function pack_place(block, at)
  local b = {}
  for i = 4, 1, -1 do
    b[i] = string.char(block % 256)
    block = math.floor(block / 256)
  end
  return table.concat(b) .. string.char(math.floor(at / 256), at % 256)
end

-- place_of returns the block and the place of the page of a packed entry, and its slot; nil if it
-- is not tracked.
local function place_of(entry)
  if (string.byte(entry) or 0) < 128 or #entry < 7 + SLOT then return nil end
  local a, b, c, d, e, f = string.byte(entry, 2, 7)
  return ((a * 256 + b) * 256 + c) * 256 + d, e * 256 + f, string.sub(entry, 8, 7 + SLOT)
end

-- name_block names a block of a host in RETURNS.
local function name_block(block, host) return string.format('%d', block) .. ' ' .. host end

-- due_by makes a block due at a time, unless it is due earlier.
local function due_by(host, block, due)
  local member = name_block(block, host)
  local before = redis.call('ZSCORE', RETURNS, member)
  if not before or due < tonumber(before) then redis.call('ZADD', RETURNS, string.format('%d', due), member) end
end

-- is_fetched returns whether a slot is that of a page which was fetched before: its last fetch is
-- in the first four bytes.
local function is_fetched(slot) return string.sub(slot, 1, 4) ~= string.sub(NO_STATE, 1, 4) end

-- queued_slot returns a slot with the mark that its page waits to be fetched again.
local function queued_slot(slot)
  local last = string.byte(slot, SLOT)
  return string.sub(slot, 1, SLOT - 1) .. string.char(last - last % 2 + 1)
end

-- mark_queued notes that the page of a packed entry waits, because the entry is queued by hand. So
-- a page of a continuous job is not queued a second time when it is due.
local function mark_queued(host, entry)
  local block, at = place_of(entry)
  if not block then return end
  count('back', 1)
  local slot = redis.call('GETRANGE', STATES(block, host), at * SLOT, (at + 1) * SLOT - 1)
  if #slot == SLOT then redis.call('SETRANGE', STATES(block, host), at * SLOT, queued_slot(slot)) end
end
