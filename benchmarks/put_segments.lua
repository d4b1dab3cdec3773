-- PUT one body under ever new segment ids, or to one fixed address. Arguments: address, body file, bearer token.
local address, body, headers, made = "", "", {}, 0

function init(args)
    address = args[1]
    body = io.open(args[2]):read("*a")
    headers["Authorization"] = "Bearer " .. args[3]
    headers["Content-Type"] = "application/json"
    math.randomseed(os.time())
end

local function segment_id()
    made = made + 1
    return string.format("0193%04x-%04x-7000-8000-%012x", math.random(0, 65535), math.random(0, 65535), made)
end

function request()
    local path = address:gsub("{segment}", segment_id)
    return wrk.format("PUT", path, headers, body)
end
