// Package proxy speaks to HTTP, HTTPS and SOCKS5 proxies: it parses their URLs, chooses one for a
// host, and asks it for a connection. Its caller dials the proxy, and judges the addresses that
// the proxy is asked for.
package proxy
