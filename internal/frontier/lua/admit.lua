-- admit: adds URLs that were never seen to the queues of their hosts, and makes idle hosts due.
-- KEYS[1]  the shard's base
-- ARGV     for each of several calls: how many queues follow, then for each queue: host, band, the
--          host's group in seen, number of URLs, and for each URL: fingerprint, packed entry;
--          findings (seen.lua)
-- Returns  for each call, how many of its URLs were new; if some are undecided, and left alone, a
--          list of this number and, for each of those, fingerprint, reference to a block; then host,
--          band for each queue whose end should be sealed

local long = {}

-- note_long notes a queue whose end should be sealed: whenever it has grown past a multiple of
-- step. The fewer URLs the host has, the smaller the step, so that only a small part of a queue is
-- not sealed.
local SEALED_FROM = 80
local function note_long(host, band, elements, new, seen)
  local step = seen < 2048 and 64 or seen < 8192 and 128 or 512
  if elements >= SEALED_FROM and elements % step < new then long[#long + 1], long[#long + 2] = host, band end
end

-- enqueue appends new entries to a queue, and returns whether they are the host's first. If others
-- already wait there, the host is awake.
local function enqueue(host, band, entries)
  local elements = redis.call('RPUSH', QUEUE(band, host), unpack(entries))
  if elements == #entries then
    note_long(host, band, elements, #entries, 0)
    return wake(host, band, band == BAND_URGENT, #entries)
  end
  local seen = redis.call('HINCRBY', HOST(host), 'seen', #entries)
  note_long(host, band, elements, #entries, seen)
  return seen == #entries
end

local total, hosts, at = 0, 0, 1

-- admit_group admits the URLs of the queue that begins at ARGV[at], and returns how many were new.
local function admit_group()
  local host, band, urls = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 3])
  local entries, first, behind = {}, at + 4, at + 4 + 2 * urls
  local fresh = see_all(ARGV[at + 2], first, behind - 2)
  for i = first, behind - 2, 2 do
    if fresh[ARGV[i]] then
      entries[#entries + 1] = ARGV[i + 1]
      fresh[ARGV[i]] = nil -- should the call bring it twice
    end
  end
  if #entries > 0 and enqueue(host, band, entries) then hosts = hosts + 1 end
  at = behind
  return #entries
end

-- read_all_groups reads the groups of all fingerprints with one command.
local function read_all_groups()
  local groups, i = {}, 1
  while i <= #ARGV do
    local calls = tonumber(ARGV[i])
    i = i + 1
    for _ = 1, calls do
      groups[#groups + 1] = ARGV[i + 2]
      i = i + 4 + 2 * tonumber(ARGV[i + 3])
    end
  end
  read_groups(groups)
end

local answer = {}
read_all_groups()
gather_due()
while at <= #ARGV do
  local groups, fresh, decided = tonumber(ARGV[at]), 0, #undecided
  at = at + 1
  for _ = 1, groups do fresh = fresh + admit_group() end
  answer[#answer + 1] = #undecided == decided and fresh or { fresh, unpack(undecided, decided + 1) }
  total = total + fresh
end
write_due()
count('waiting', total)
count('hosts', hosts)
count('seen', total)
for _, text in ipairs(long) do answer[#answer + 1] = text end
return answer
