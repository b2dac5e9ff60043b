-- Code that the scripts of a visit share: those that take URLs, settle them and end the visit.

-- take_waiting removes up to most URLs from a host's queues, band by band. Within a band, URLs
-- whose retry is due come first, then the oldest. A URL that a lost visit held is taken alone,
-- because if it is what kills workers, nothing else should be lost with it. known and sealed are the
-- host's fields "bands" and "sealed". In a continuous job, rations are how many URLs may be taken of
-- the low band, and of the others together. Returns bands, packed entries, which ration left URLs
-- waiting, if one did, and if a sealed block comes next, its band followed by the block.
local MOST_RIPE = 1000 -- that one call moves back into the queues
local function take_waiting(host, most, known, sealed, rations)
  local bands, entries, rationed, behind = {}, {}, nil, nil
  local function take_band(band)
    if #entries >= most or behind then return end
    local key, room, ration = QUEUE(band, host), most - #entries, band == BAND_LOW and 'low' or 'others'
    if rations and rations[ration] < room then
      room = rations[ration]
      if not rationed and redis.call('LLEN', key) > room then rationed = ration end
      if room == 0 then return end
    end
    local front = sealed and redis.call('LPOS', key, SEAL, 'MAXLEN', room)
    if front ~= 0 then
      for _, entry in ipairs(redis.call('LPOP', key, front or room) or {}) do
        bands[#bands + 1], entries[#entries + 1] = band, entry
        if rations then rations[ration] = rations[ration] - 1 end
      end
    end
    if front then behind = band .. (redis.call('LINDEX', key, 1) or '') end
  end
  for _, band in ipairs(known and BANDS or {}) do
    if string.find(known, band, 1, true) then take_band(band) end
  end
  local urgent, high, _, low = queues(host)
  if #entries > 0 or behind then
    -- They come first in any case.
  elseif redis.call('EXISTS', LATER(host), urgent, high, low) == 0 then
    take_band(BAND_NORMAL)
  else
    local ripe = redis.call('ZRANGEBYSCORE', LATER(host), '-inf', now_ms(), 'LIMIT', 0, MOST_RIPE)
    if #ripe > 0 then redis.call('ZREM', LATER(host), unpack(ripe)) end
    for i = #ripe, 1, -1 do
      local band, entry = unpack_later(ripe[i])
      redis.call('LPUSH', QUEUE(band, host), entry)
    end
    for _, band in ipairs(BANDS) do take_band(band) end
  end

  local keep = #entries
  for i, entry in ipairs(entries) do
    if (string.byte(entry) or 0) % 128 > 0 then -- how often it was lost
      keep = math.max(1, i - 1)
      behind = nil
      break
    end
  end
  for i = #entries, keep + 1, -1 do
    redis.call('LPUSH', QUEUE(bands[i], host), entries[i])
    entries[i] = nil
  end
  return bands, entries, rationed, behind
end

-- put_in_flight puts entries in flight, and appends ticket, packed entry, … to answer. last is the
-- host's last ticket; more fields of the host can be written in the same call.
local function put_in_flight(host, bands, entries, last, answer, ...)
  local first, flight = reserve_tickets(host, last, #entries, now_ms(), ...), {}
  for i, entry in ipairs(entries) do
    local ticket = name_ticket(bands[i], first + i - 1)
    flight[#flight + 1], flight[#flight + 2] = ticket, entry
    answer[#answer + 1], answer[#answer + 2] = ticket, entry
  end
  redis.call('HSET', FLIGHT(host), unpack(flight))
  count('waiting', -#entries)
  count('flight', #entries)
end

-- remember_failed remembers a URL that failed for good, in text as failed.go packs it: the last ones
-- of each cause.
local MOST_FAILED = 200 -- of a cause
local function remember_failed(cause, text)
  redis.call('LPUSH', FAILED(cause), string.format('%d', now_ms()) .. ' ' .. text)
  redis.call('LTRIM', FAILED(cause), 0, MOST_FAILED - 1)
end

-- track keeps what is known of a page of a continuous job after a fetch. page is when it is due
-- again (13 digits), its slot, and its name if it is fetched for the first time. flight is its
-- packed entry. Returns the entry with which the page would be fetched again as it is now, should
-- its record be lost.
local function track(host, flight, page)
  local due, slot = tonumber(string.sub(page, 1, 13)), string.sub(page, 14, 13 + SLOT)
  local name = string.sub(page, 14 + SLOT)
  local block, at, before = place_of(flight)
  if block then
    count('back', -1)
    if is_fetched(before) then count('again', 1) end -- otherwise the record of its first fetch was lost
    if redis.call('STRLEN', STATES(block, host)) >= (at + 1) * SLOT then -- otherwise it was set aside
      redis.call('SETRANGE', STATES(block, host), at * SLOT, slot)
      due_by(host, block, due)
    end
    return flight
  end
  block = tonumber(redis.call('HGET', HOST(host), 'block') or 0)
  at = math.floor(redis.call('STRLEN', STATES(block, host)) / SLOT)
  if at >= BLOCK_PAGES then
    block, at = block + 1, 0
    redis.call('HSET', HOST(host), 'block', string.format('%d', block))
  end
  redis.call('APPEND', PATHS(block, host), name)
  redis.call('APPEND', STATES(block, host), slot)
  count('tracked', 1)
  due_by(host, block, due)
  return string.char(string.byte(flight) % 128 + 128) .. pack_place(block, at) .. NO_STATE .. string.sub(flight, 2)
end

-- count_muted returns the counter of a muted pattern: that of all others, if there are too many.
-- It reads what it has written, so it cannot wait for write_counts.
local MOST_MUTED = 100 -- crawler.MaxMuted
local function count_muted(name, by)
  if redis.call('HEXISTS', COUNT, name) == 0 then
    local patterns = tonumber(redis.call('HGET', COUNT, 'patterns') or 0)
    if patterns < MOST_MUTED then redis.call('HINCRBY', COUNT, 'patterns', 1) else name = 'mutedmore' end
  end
  redis.call('HINCRBY', COUNT, name, by)
end

-- settle_urls takes URLs out of flight with their outcomes. The arguments from ARGV[at] to
-- ARGV[last] are those of settle.lua from the segment on. turn and pages are the host's fields.
-- Returns the new ones, as fields of the host to be set.
local function settle_urls(host, at, last, turn, pages)
  local segment, term, stored, now = ARGV[at], ARGV[at + 1], ARGV[at + 2], now_ms()
  local counters = at + 4
  local behind = counters + 2 * tonumber(ARGV[at + 3])
  local tickets, flights = {}, {}
  for i = behind, last, 7 do tickets[#tickets + 1] = ARGV[i] end
  -- HDEL is the first write, because a full Redis refuses a command that may need memory only if
  -- it is the first. So a visit settles, and stays alive, in a full Redis.
  if #tickets == 1 and segment == '' and ARGV[behind + 6] == '' then
    flights[tickets[1]] = redis.call('HDEL', FLIGHT(host), tickets[1]) == 1
  else
    for i, flight in ipairs(redis.call('HMGET', FLIGHT(host), unpack(tickets))) do flights[tickets[i]] = flight end
    redis.call('HDEL', FLIGHT(host), unpack(tickets))
  end

  local outcomes, bytes, settled, retries, over, incomplete, emitted, kept = {}, 0, 0, 0, 0, 0, 0, {}
  for i = behind, last, 7 do
    local ticket, outcome, entry, flags, page = ARGV[i], ARGV[i + 1], ARGV[i + 3], ARGV[i + 5], ARGV[i + 6]
    local flight = flights[ticket]
    if flight then
      if page ~= '' then flight = track(host, flight, page) end
      flights[ticket] = nil
      settled = settled + 1
      outcomes[outcome] = (outcomes[outcome] or 0) + 1
      bytes = bytes + tonumber(ARGV[i + 2])
      if string.find(flags, 'o', 1, true) then over = over + 1 end
      if string.find(flags, 'i', 1, true) then incomplete = incomplete + 1 end
      emitted = emitted + tonumber(string.match(flags, 'n(%d+)') or 0)
      if entry ~= '' then
        redis.call('ZADD', LATER(host), now + ARGV[i + 4], pack_later(string.sub(ticket, 1, 1), entry))
        retries = retries + 1
      elseif segment ~= '' then
        local band = string.sub(ticket, 1, 1)
        kept[#kept + 1] = outcome .. ' ' .. ARGV[i + 2] .. ' -' .. flags .. ' ' .. band .. ' ' .. host .. ' ' .. flight
      end
    end
  end
  for outcome, n in pairs(outcomes) do count('outcome:' .. outcome, n) end
  if settled > 0 then -- otherwise this is a repeated call
    for i = counters, behind - 1, 2 do
      local name, value = ARGV[i], ARGV[i + 1]
      local cause, pattern = string.match(name, '^failed:(.+)$'), string.match(name, '^prior:(.+)$')
      if cause then
        remember_failed(cause, value)
      elseif pattern then
        redis.call('HSET', PRIORS(host), pattern, value)
      elseif string.sub(name, 1, 6) == 'muted:' then
        count_muted(name, tonumber(value))
      else
        count(name, tonumber(value))
      end
    end
  end
  count('over', over)
  count('incomplete', incomplete)
  count('items', emitted)
  count('bytes', bytes)
  count('flight', -settled)
  count('waiting', retries)
  if retries > 0 then forget_bands(host) end
  if #kept > 0 then
    redis.call('ZADD', SEGMENTS, now + term, segment)
    redis.call('HINCRBY', UNSHIPPED, segment, #kept)
    count(stored == '1' and 'unshipped' or 'ondisk', #kept)
    for i = 1, #kept, 1000 do -- unpack has a limit
      if stored ~= '1' then break end
      redis.call('RPUSH', SEGMENT(segment), unpack(kept, i, math.min(i + 999, #kept)))
    end
  end
  local fetched = outcomes.fetched or 0
  return { 'turn', tonumber(turn) + fetched, 'pages', string.format('%d', tonumber(pages) + fetched) }
end

-- note_given_up counts a host that is given up, and notes it for an event.
local MOST_GIVEN_UP = 100
local function note_given_up(host, trouble)
  local n = redis.call('HINCRBY', COUNT, 'givenup', 1)
  redis.call('LPUSH', GIVENUP, string.format('%d %s %s', n, host, trouble))
  redis.call('LTRIM', GIVENUP, 0, MOST_GIVEN_UP - 1)
end

-- give_back gives a host back whose visit ends. The arguments from ARGV[at] on are those of
-- close.lua behind the epoch. rivals, woken and ip are the host's fields; leaves are fields to be
-- set in the same call. idling is as for rest. The caller removes the host from OPEN.
local function give_back(host, at, rivals, woken, ip, leaves, idling)
  local wait, strikes, trouble, traps = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local address_wait, parked, failure = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), ARGV[at + 6]
  local ago, gap, line, wanted = ARGV[at + 7], ARGV[at + 8], tonumber(ARGV[at + 9]), ARGV[at + 10]
  local class, kept, latency = ARGV[at + 11], ARGV[at + 12], ARGV[at + 13]
  local given_up = ARGV[at + 14] == '1'
  local takes = {}
  local function set(field, value) leaves[#leaves + 1], leaves[#leaves + 2] = field, value end
  local function set_if(condition, field, value)
    if condition then set(field, value) else takes[#takes + 1] = field end
  end
  set('gap', gap)
  set_if(strikes ~= '0', 'strikes', strikes)
  set_if(strikes ~= '0', 'trouble', trouble)
  set_if(strikes ~= '0', 'class', class)
  if given_up and redis.call('HEXISTS', HOST(host), 'givenup') == 0 then note_given_up(host, trouble) end
  set_if(given_up, 'givenup', '1')
  set_if(traps ~= '', 'traps', traps)
  set_if(tonumber(kept) > tonumber(gap), 'kept', kept)
  if latency ~= '' then set('latency', latency) end
  if ago ~= '-1' then set('last', string.format('%d', now_ms() + 1 - ago)) end
  if failure ~= '' then
    redis.call('LPUSH', FAILURES, failure)
    redis.call('LTRIM', FAILURES, 0, 49)
  end
  depart(host, ip, address_wait)
  if type(idling) == 'table' then idling.address = nil end
  local lined = rivals or wanted == '1'
  if lined and woken then
    parked = math.max(parked, tonumber(woken) - now_ms()) -- its turn came before it had lined up
  elseif lined then
    parked = math.max(parked, line)
  end
  if rest(host, wait, parked, leaves, takes, idling) and lined then redis.call('HSET', HOST(host), 'lined', 1) end
end
