-- outlinks: stores the links of pages and returns the pages' current depths in one step. A
-- process that lowers a depth later finds the stored links; a depth that was lowered before is
-- returned now. The depth of a page at depth 0 cannot become smaller, so its links are not
-- stored.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, then for each page: its group and its member of seen,
--          its packed links ('' for none); FARTHEST
-- Returns  the depth of each page; -1 if it was never seen

local host, epoch, lease = ARGV[1], ARGV[2], ARGV[3]
if not holds(host, epoch) then return STALE end
extend(host, lease)
local depths = {}
for i = 4, #ARGV, 3 do
  local group, member, links = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local fp = fingerprint_of(member)
  local depth = depth_in(bucket_of(group, member), fp)
  if links ~= '' and depth ~= 0 then redis.call('HSET', part_of(member), fp, links) end
  depths[#depths + 1] = depth or -1
end
return depths
