// `publishScript` and `READ` are the scripts that Redis runs, each as one step, for topics with history.

// KEYS: stream, facts. ARGV: channel, entry, origin, number, messages, age, epoch for a new topic, how long facts are kept.
// Its origin and number identify an entry that a client sends again after its connection was cut. An offset is a time in
// microseconds, and each entry knows the one before it: an engine that comes back without its latest entries gives none of
// their offsets away again.
export const publishScript = (isSharded: boolean): string => `
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if not epoch then
  epoch = ARGV[7]
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[2], 'epoch', epoch)
end
local sender = KEYS[2] .. ':' .. ARGV[3]
local before = redis.call('GET', sender)
if before then
  local number, offset = string.match(before, '(%d+) (%d+)')
  if tonumber(ARGV[4]) <= tonumber(number) then return { epoch, tonumber(offset) } end
end
local last = redis.call('HGET', KEYS[2], 'last') or '0'
local time = redis.call('TIME')
local offset = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('HSET', KEYS[2], 'last', offset)
redis.call('SET', sender, ARGV[4] .. ' ' .. offset, 'PX', 60000)
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[5], offset .. '-1', 'e', ARGV[2], 'b', last)
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[8])
redis.call('${isSharded ? 'SPUBLISH' : 'PUBLISH'}', ARGV[1], offset .. ' ' .. last .. ' ' .. epoch .. ' ' .. ARGV[2])
return { epoch, tonumber(offset) }
`;
// KEYS: stream, facts. ARGV: offset to read from or '', epoch for a new topic, how long facts are kept, how many bytes are enough.
export const READ: string = `
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if not epoch then
  epoch = ARGV[2]
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[2], 'epoch', epoch)
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local last = redis.call('HGET', KEYS[2], 'last') or '0'
local entries = {}
local from, left, count = ARGV[1] .. '-0', tonumber(ARGV[4]), 1
while ARGV[1] ~= '' and left > 0 do
  local some = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', count)
  if #some == 0 then break end
  for _, entry in ipairs(some) do
    if left <= 0 then break end
    table.insert(entries, entry)
    left = left - #entry[2][2]
    from = '(' .. entry[1]
  end
  count = 2 * count
end
local time = redis.call('TIME')
return { epoch, last, entries, time[1] }
`;
// KEYS: channel, as the client may prefix it. ARGV: channel, entry.
export const SPUBLISH = "redis.call('SPUBLISH', ARGV[1], ARGV[2])";
