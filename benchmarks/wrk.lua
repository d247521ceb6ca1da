-- What wrk sends and how it looks at the answers; load.py writes the files that this reads.

local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

local function whole(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read("*a")
   file:close()
   return text
end

local function split(text)  -- at every "@@"
   local parts, from = {}, 1
   while true do
      local first, last = text:find("@@", from, true)
      if not first then break end
      table.insert(parts, text:sub(from, first - 1))
      from = last + 1
   end
   table.insert(parts, text:sub(from))
   return parts
end

function init(args)
   local folder = args[1]
   sent, wrong, such_as = tonumber(args[2]), 0, ""
   status, expected = tonumber(whole(folder .. "/status")), whole(folder .. "/expected")
   path, body, values = split(whole(folder .. "/path")), split(whole(folder .. "/body")), {}
   for line in io.lines(folder .. "/values") do table.insert(values, line) end
   headers, filled = {}, {}
   for line in io.lines(folder .. "/headers") do
      local name, value = line:match("^([^:]+): (.*)$")
      headers[name] = value
      if value:find("@@", 1, true) then filled[name] = split(value) end
   end
end

function request()
   local value = values[sent % #values + 1]
   sent = sent + 1
   for name, parts in pairs(filled) do headers[name] = table.concat(parts, value) end
   return wrk.format("POST", table.concat(path, value), headers, table.concat(body, value))
end

function response(code, _, answer)
   if code ~= status or not answer:find(expected, 1, true) then
      wrong = wrong + 1
      such_as = code .. " " .. answer:sub(1, 200)
   end
end

local function quoted(text)
   return '"' .. text:gsub('[%c"\\]', " ") .. '"'
end

function done(summary, latency)
   local thread = threads[1]
   local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   print(string.format(
      'RESULT {"requests": %d, "seconds": %f, "p99": %f, "sent": %d, "wrong": %d, "such_as": %s}',
      summary.requests, summary.duration / 1e6, latency:percentile(99) / 1e6,
      thread:get("sent"), thread:get("wrong") + failed,
      quoted(failed > 0 and failed .. " without an answer" or thread:get("such_as"))))
end
