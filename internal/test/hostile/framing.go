package hostile

import "strings"

var framing = []Misbehaviour{
	{
		Name: "http-0.9", Does: "sends a page without status or headers, as in HTTP/0.9",
		Trawl: "rejects the response as malformed", Fate: failed("malformed HTTP"),
		page: rawResponse(pageStart("http-0.9")),
	}, {
		Name: "other-protocol", Does: "sends the greeting of an SSH server", Trawl: "the same",
		Fate: failed("malformed HTTP"),
		page: rawResponse("SSH-2.0-OpenSSH_9.2p1\r\n"),
	}, {
		Name: "noise", Does: "sends random bytes", Trawl: "the same", Fate: failed(""),
		page: rawResponse(string(randomBytes(4096))),
	}, {
		Name: "nothing", Does: "closes the connection without a response", Trawl: "retries, then gives up",
		Limit: limitRetries, Fate: failed("unexpected end"),
		page: rawResponse(""),
	}, {
		Name: "endless-line", Does: "sends an endless line", Trawl: "rejects the response as malformed",
		Limit: limitHeader, Fate: failed(""),
		page: endless("", "x"),
	}, {
		Name: "endless-status", Does: "sends an endless status line", Trawl: "the same", Limit: limitHeader,
		Fate: failed(""),
		page: endless("HTTP/1.1 200 ", "x"),
	}, {
		Name: "status-no-number", Does: "sends a status that is not a number", Trawl: "the same",
		Fate: failed("malformed HTTP status code"),
		page: rawResponse("HTTP/1.1 abc OK\r\n\r\nhello"),
	}, {
		Name: "status-000", Does: "sends the status 000", Trawl: "fails the page", Fate: failed(""),
		page: rawResponse("HTTP/1.1 000 None\r\n\r\nhello"),
	}, {
		Name: "status-999", Does: "sends the status 999", Trawl: "retries, then gives up", Limit: limitRetries,
		Fate: failed("999"),
		page: rawResponse("HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n"),
	}, {
		Name: "http-9.9", Does: "declares HTTP/9.9", Trawl: "treats it as HTTP/1.1", Fate: read,
		page: rawResponse("HTTP/9.9 200 OK\r\nContent-Type: text/html\r\n\r\n" + pageStart("http-9.9")),
	}, {
		Name: "lower-case", Does: "writes http/1.1 in lower case, and no space before the reason phrase",
		Trawl: "accepts it, and notes it in the record", Fate: read,
		page: rawResponse("http/1.1 200fine\r\nContent-Type: text/html\r\n\r\n" + pageStart("lower-case")),
	}, {
		Name: "bare-newlines", Does: "ends its lines with a bare LF", Trawl: "accepts it (RFC 9112, 2.2)", Fate: read,
		page: rawResponse(strings.ReplaceAll(okHTML+"\r\n", "\r\n", "\n") + pageStart("bare-newlines")),
	}, {
		Name: "switch", Does: "switches to another protocol without being asked to", Trawl: "fails the page",
		Fate: failed(""),
		page: hangAfter("HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\nhello"),
	}, {
		Name: "continue-flood", Does: "sends endless 100 Continue responses",
		Trawl: "rejects the response as malformed", Limit: limitHeader, Fate: failed(""),
		page: endless("", "HTTP/1.1 100 Continue\r\n\r\n"),
	}, {
		Name: "hints-flood", Does: "sends endless 103 Early Hints responses", Trawl: "the same", Limit: limitHeader,
		Fate: failed(""),
		page: endless("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
	}, {
		Name: "hints", Does: "sends three interim responses before the final one",
		Trawl: "waits for the final response", Limit: limitHeader, Fate: read,
		page: rawResponse(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 3) + okHTML + "\r\n" +
			pageStart("hints")),
	},
}
