-- readmit: queues URLs at their hosts, even if the job has seen and settled them. URLs that it
-- has not seen are marked as seen.
-- KEYS[1]  the shard's base
-- ARGV     as for admit: for each host and band: host, band, group in seen, number of URLs, and
--          for each URL: fingerprint, packed entry; findings (seen.lua)
-- Returns  how many URLs were queued; then, for each URL that is undecided and was left alone, its
--          fingerprint and the reference to a block

local total, unseen, hosts, at = 0, 0, 0, 1
while at <= #ARGV do
  local host, band, urls = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 3])
  local entries, fresh, behind, left, decided = {}, 0, at + 4 + 2 * urls, {}, #undecided
  for _ in pairs(see_all(ARGV[at + 2], at + 4, behind - 2)) do fresh = fresh + 1 end
  for i = decided + 1, #undecided, 2 do left[undecided[i]] = true end
  for i = at + 4, behind - 1, 2 do
    if not left[ARGV[i]] then
      entries[#entries + 1] = ARGV[i + 1]
      mark_queued(host, ARGV[i + 1])
    end
  end
  if #entries > 0 and queue_again(host, band, entries, fresh) then hosts = hosts + 1 end
  total, unseen, at = total + #entries, unseen + fresh, behind
end
count('waiting', total)
count('hosts', hosts)
count('seen', unseen)
return { total, unpack(undecided) }
