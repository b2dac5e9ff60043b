-- readmit: queues URLs at their hosts, even if the job has seen and settled them. URLs that it
-- has not seen are marked as seen.
-- KEYS[1]  the shard's base
-- ARGV     as for admit: for each host and band: host, band, number of URLs, and for each URL:
--          fingerprint, packed entry
-- Returns  how many URLs were queued

local total, unseen, hosts, back, at = 0, 0, 0, 0, 1
while at <= #ARGV do
  local host, band, urls = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local entries, fresh, behind = {}, 0, at + 3 + 2 * urls
  for i = at + 3, behind - 1, 2 do
    if see(ARGV[i]) then fresh = fresh + 1 end
    entries[#entries + 1] = ARGV[i + 1]
    if place_of(ARGV[i + 1]) then back = back + 1 end
  end
  if queue_again(host, band, entries, fresh) then hosts = hosts + 1 end
  total, unseen, at = total + urls, unseen + fresh, behind
end
count('waiting', total)
count('back', back) -- pages of a continuous job that it fetches again
count('hosts', hosts)
grow(unseen)
return total
