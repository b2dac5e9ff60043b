package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Identity is who signs: a key, and the agent that publishes it.
type Identity struct {
	// Key signs. Required.
	Key Key
	// Agent is the origin of the site that publishes the key: https://bot.example. Required.
	Agent string
}

// agentLine begins the line of an identity file that names the agent. It is explanatory text
// before the key (RFC 7468, 2), which other programs skip.
const agentLine = "Agent:"

// pemType is the type of the PEM block with the key (RFC 7468, 10).
const pemType = "PRIVATE KEY"

// ParseAgent returns an agent in its canonical form: scheme, host and port in lower case, without
// the default port. The scheme is https, or http if the host is a loopback address, for tests. The
// error quotes the text.
func ParseAgent(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return "", fmt.Errorf("agent %q is not the URL of a site: write https://bot.example", text)
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("agent %q has more than a host: write %s://%s", text, u.Scheme, u.Host)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return "", fmt.Errorf("agent %q: sites read the directory of keys by https: write https://%s", text, u.Host)
	}
	if !plainHost(u.Host) {
		return "", fmt.Errorf("agent %q: its host is not in ASCII: write it as its xn-- name", text)
	}
	return u.Scheme + "://" + Authority(u.Scheme, u.Host), nil
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// plainHost reports whether a host can be written into a string of a structured field without
// escapes.
func plainHost(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' })
}

// Parse reads an identity file: a line "Agent: https://bot.example" and a private key in PEM
// (PKCS #8), as [Identity.PEM] writes it. Errors say what is wrong and never quote the key.
func Parse(data []byte) (Identity, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return Identity{}, errors.New("no private key in PEM: want a block that begins with -----BEGIN PRIVATE KEY-----")
	}
	if block.Type != pemType {
		return Identity{}, fmt.Errorf("the PEM block is a %q: want an Ed25519 key in a %q (openssl genpkey -algorithm ed25519)", block.Type, pemType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Identity{}, errors.New("the private key is damaged: it is not in the form of PKCS #8")
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Identity{}, fmt.Errorf("the private key is a %T: want an Ed25519 key", parsed)
	}
	key, err := KeyOf(private)
	if err != nil {
		return Identity{}, err
	}
	agent, err := agentOf(data)
	return Identity{Key: key, Agent: agent}, err
}

// agentOf returns the agent that the lines before the key name.
func agentOf(data []byte) (string, error) {
	before, _, _ := bytes.Cut(data, []byte("-----BEGIN"))
	for line := range strings.Lines(string(before)) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), agentLine); ok {
			return ParseAgent(strings.TrimSpace(text))
		}
	}
	return "", fmt.Errorf("no agent: write a line before the key that names the site that publishes it: %s https://bot.example",
		agentLine)
}

// PEM returns the identity file. It contains the private key.
func (i Identity) PEM() ([]byte, error) {
	if i.Key.private == nil {
		return nil, errNoKey
	}
	der, err := x509.MarshalPKCS8PrivateKey(i.Key.private())
	if err != nil {
		return nil, err
	}
	return append([]byte(agentLine+" "+i.Agent+"\n"), pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})...), nil
}
