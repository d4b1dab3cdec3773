-- Ask for the addresses of a file in turn. Arguments: file, bearer token.
local addresses, headers, at = {}, {}, 0

function init(args)
    for line in io.lines(args[1]) do addresses[#addresses + 1] = line end
    if args[2] then headers["Authorization"] = "Bearer " .. args[2] end
end

function request()
    at = at % #addresses + 1
    return wrk.format("GET", addresses[at], headers)
end
