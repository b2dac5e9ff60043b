-- A host that has no URL left, and about which nothing unusual is known, is folded: its fields are
-- packed into one field of a hash that many hosts share, in a tenth of the memory of a hash of its
-- own. These hashes stay listpacks with Redis's defaults of 128 for hash-max-listpack-entries and
-- 64 for hash-max-listpack-value, because they are split by linear hashing as seen is. The host is
-- unfolded when it is written to.

local FOLD_FULL, FOLD_SPLITS = 72, 4 -- hosts of a hash; splits in one call
local MOST_FOLDED = 64 -- bytes of a field or a value

-- fold_hash returns the hash of the host that a field names. The reason of a host's last failure
-- has a field of its own, behind the host's, named TROUBLE(host).
local function fold_hash(field)
  return to_number(string.sub(redis.sha1hex((string.match(field, '^[^ ]*'))), 1, 8), 16)
end

local function TROUBLE(host) return host .. ' ' end

-- folds is the number of hashes that hosts are folded into.
local folds
local function read_folds()
  folds = folds or math.max(1, tonumber(redis.call('HGET', GROUPS, 'folds') or 1))
  return folds
end

-- fold_of returns the key of the hash that a host is folded into.
local function fold_of(host)
  local n = read_folds()
  local modulus, fold = power_above(n), fold_hash(host)
  fold = fold % modulus
  return FOLD(fold < n and fold or fold - modulus / 2)
end

-- split_folds moves half of a hash of folded hosts to a new one after the last.
local function split_folds()
  local grown = power_above(folds + 1)
  local from, to = FOLD(folds - grown / 2), FOLD(folds)
  local all, moved, hosts = redis.call('HGETALL', from), {}, {}
  for i = 1, #all, 2 do
    if fold_hash(all[i]) % grown == folds then
      hosts[#hosts + 1] = all[i]
      moved[#moved + 1], moved[#moved + 2] = all[i], all[i + 1]
    end
  end
  if #hosts > 0 then
    redis.call('HSET', to, unpack(moved))
    redis.call('HDEL', from, unpack(hosts))
  end
  folds = folds + 1
  redis.call('HSET', GROUPS, 'folds', folds)
end

-- fit_folds splits hashes until the one that a host was folded into is no longer too full. It
-- checks only for one host in eleven.
local function fit_folds(host, fold)
  local left = fold_hash(host) % 11 == 0 and FOLD_SPLITS or 0
  while left > 0 and redis.call('HLEN', fold) > FOLD_FULL do
    split_folds()
    left = left - 1
  end
end

-- FOLDED are the numbers of a host, in the order in which they are packed. The first four are
-- times. The first is packed as it is, and the others as their distance from it.
local FOLDED_TIMES = 4
local FOLDED = { 'next', 'epoch', 'last', 'ticket', 'seen', 'pages', 'turn', 'gap', 'kept', 'strikes', 'givenup' }

-- pack_number packs a whole number that is not negative: seven bits a byte, the lowest first.
local function pack_number(n)
  local text = ''
  while n >= 128 do
    text, n = text .. string.char(128 + n % 128), math.floor(n / 128)
  end
  return text .. string.char(n)
end

-- unpack_number returns the number that is packed at a position of a text, and where it ends.
local function unpack_number(text, at)
  local n, unit = 0, 1
  while true do
    local byte = string.byte(text, at)
    if not byte then return nil, at end
    n, unit, at = n + byte % 128 * unit, unit * 128, at + 1
    if byte < 128 then return n, at end
  end
end

-- whole returns a field as a number; nil if it is not a whole one.
local function whole(v) return v and string.find(v, '^%d+$') and #v <= 15 and tonumber(v) or nil end

-- FOLDED_TEXTS are its texts, in the order in which they are packed.
local FOLDED_TEXTS = { 'class', 'latency' }

-- pack_host packs the fields of a host: its numbers, each plus one, or 0 if it is missing, and its
-- texts, each behind its length plus one, or 0. Returns nil if it has others, or has too many bytes.
-- The second result is the reason of the host's last failure, if it has one.
local function pack_host(fields)
  local parts, others, next = {}, 0, whole(fields.next)
  if not next then return nil end
  for name in pairs(fields) do
    if name ~= 'trouble' then others = others + 1 end
  end
  for i, name in ipairs(FOLDED) do
    local n = whole(fields[name])
    if fields[name] and not n then return nil end
    if n then others = others - 1 end
    if n and i > 1 and i <= FOLDED_TIMES then
      n = next - n
      n = n >= 0 and 2 * n or -2 * n - 1
    end
    parts[i] = pack_number(n and n + 1 or 0)
  end
  for _, name in ipairs(FOLDED_TEXTS) do
    local text = fields[name]
    if text then others = others - 1 end
    parts[#parts + 1] = pack_number(text and #text + 1 or 0) .. (text or '')
  end
  local packed, trouble = table.concat(parts), fields.trouble
  if others > 0 or #packed > MOST_FOLDED or trouble and #trouble > MOST_FOLDED then return nil end
  return packed, trouble
end

-- unpack_host unpacks the fields of a host: name, value, name, value, …
local function unpack_host(packed, trouble)
  local fields, at, next, n = {}, 1, 0, nil
  for i, name in ipairs(FOLDED) do
    n, at = unpack_number(packed, at)
    n = (n or 0) - 1
    if n >= 0 then
      if i == 1 then
        next = n
      elseif i <= FOLDED_TIMES then
        n = next - (n % 2 == 0 and n / 2 or -(n + 1) / 2)
      end
      fields[#fields + 1], fields[#fields + 2] = name, string.format('%d', n)
    end
  end
  for _, name in ipairs(FOLDED_TEXTS) do
    n, at = unpack_number(packed, at)
    if n and n > 0 then
      fields[#fields + 1], fields[#fields + 2] = name, string.sub(packed, at, at + n - 2)
      at = at + n - 1
    end
  end
  if trouble then fields[#fields + 1], fields[#fields + 2] = 'trouble', trouble end
  return fields
end

-- fields_of returns all fields of a host that is not folded, by name.
local function fields_of(host)
  local all, fields = redis.call('HGETALL', HOST(host)), {}
  for i = 1, #all, 2 do fields[all[i]] = all[i + 1] end
  return fields
end

-- fold folds an idle host, if it can be folded. Before that, it sets the fields in sets and deletes
-- those in dels. If the host cannot be folded, it stays as it is, and fold returns false. fields
-- are those of the host, if they are known.
local function fold(host, sets, dels, fields)
  if #host >= MOST_FOLDED then return false end
  fields = fields or fields_of(host)
  for i = 1, #sets, 2 do fields[sets[i]] = tostring(sets[i + 1]) end
  for _, name in ipairs(dels) do fields[name] = nil end
  fields.bands = nil -- the next visit finds out again which bands have URLs
  local packed, trouble = pack_host(fields)
  if not packed then return false end
  local into = fold_of(host)
  if trouble then
    redis.call('HSET', into, host, packed, TROUBLE(host), trouble)
  else
    redis.call('HSET', into, host, packed)
  end
  redis.call('DEL', HOST(host))
  fit_folds(host, into)
  return true
end

-- peek returns the values of fields of a host, as HMGET does, and, if it is folded, all its fields.
-- The last of the names must be 'seen', a field of every host that the job has met.
local function peek(host, ...)
  local h, names = redis.call('HMGET', HOST(host), ...), { ... }
  if h[#names] then return h end
  local folded = redis.call('HMGET', fold_of(host), host, TROUBLE(host))
  if not folded[1] then return h end
  local all, values = unpack_host(folded[1], folded[2]), {}
  for i = 1, #all, 2 do values[all[i]] = all[i + 1] end
  for i, name in ipairs(names) do h[i] = values[name] or false end
  return h, all
end

-- unfold is peek for scripts that write to the host. It leaves out fields that only the last visit
-- needed, and times to wait until that have passed.
local function unfold(host, ...)
  local h, all = peek(host, ...)
  if not all then return h end
  local kept = {}
  for i = 1, #all, 2 do
    local name, value = all[i], all[i + 1]
    local passes = name == 'next' or name == 'ticket'
    if name ~= 'epoch' and name ~= 'turn' and not (passes and tonumber(value) < now_ms()) then
      kept[#kept + 1], kept[#kept + 2] = name, value
    end
  end
  redis.call('HSET', HOST(host), unpack(kept))
  redis.call('HDEL', fold_of(host), host, TROUBLE(host))
  return h
end
