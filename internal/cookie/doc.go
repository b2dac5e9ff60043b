// Package cookie keeps the cookies of hosts, within limits, and reads Set-Cookie as browsers do
// (RFC 6265bis).
//
// A [Jar] belongs to one visit or login. A cookie goes back only to the host that set it.
package cookie
