package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/cookie"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/proxy"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// accessFile is a YAML list of rules, as described in docs/access.md: what to send to
// hosts, which authorities to trust, and which proxies to use. Parsing is strict. Errors
// name the line and never quote a value that may be a secret.
type accessFile struct {
	path   string
	secret bool // the file contains a secret itself, not just a reference to one
}

// readAccess reads the access file at path.
func readAccess(path string) ([]fetch.Rule, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("access file: %v", err)
	}
	f := &accessFile{path: path}
	rules, err := f.parse(text)
	if err != nil {
		return nil, err
	}
	return rules, f.guarded()
}

// guarded returns an error if the file contains secrets and everyone may read it.
func (f *accessFile) guarded() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return usage("access file: %v", err)
	}
	const others = 0o004
	if f.secret && info.Mode()&others != 0 && runtime.GOOS != "windows" {
		return usage("access file %s contains secrets and everyone can read it (mode %v): run chmod o-r on it, or refer to the secrets instead: ${NAME} in the environment, ${file:PATH}", f.path, info.Mode().Perm())
	}
	return nil
}

func (f *accessFile) parse(text []byte) ([]fetch.Rule, error) {
	if err := setting.CheckYAML(text); err != nil {
		return nil, usage("access file %s: %v", f.path, err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			return nil, usage("access file %s, line %d: not valid YAML", f.path, syntax.GetToken().Position.Line)
		}
		return nil, usage("access file %s: not valid YAML", f.path)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, nil // an empty file
	}
	list, ok := file.Docs[0].Body.(*ast.SequenceNode)
	if !ok || len(file.Docs) > 1 {
		return nil, f.wrong(file.Docs[0].Body, errors.New(`not a list of rules: begin each rule with "- hosts:"`))
	}
	rules := make([]fetch.Rule, len(list.Values))
	for i, node := range list.Values {
		if rules[i], err = f.rule(node); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// wrong returns a usage error that names the file and the line of the node.
func (f *accessFile) wrong(at ast.Node, err error) error {
	return usage("access file %s, line %d: %v", f.path, at.GetToken().Position.Line, err)
}

// accessRule is a rule while it is being read.
type accessRule struct {
	fetch.Rule
	user, password string
	cert, key      string // paths
	remoteDNS      bool
	proxies        []string
}

// accessFields maps the name of each field of a rule to the function that reads it.
var accessFields = map[string]func(*accessFile, *accessRule, ast.Node) error{
	"hosts":   (*accessFile).hosts,
	"headers": (*accessFile).headers,
	"user": func(f *accessFile, r *accessRule, n ast.Node) (err error) {
		r.user, err = f.value(n)
		return err
	},
	"password": func(f *accessFile, r *accessRule, n ast.Node) (err error) {
		r.password, err = f.hidden(n)
		return err
	},
	"cookies":          (*accessFile).cookies,
	"cert":             func(f *accessFile, r *accessRule, n ast.Node) error { return f.filePath(n, &r.cert) },
	"key":              func(f *accessFile, r *accessRule, n ast.Node) error { return f.filePath(n, &r.key) },
	"proxies":          (*accessFile).proxies,
	"proxy_remote_dns": func(f *accessFile, r *accessRule, n ast.Node) error { return f.truth(n, &r.remoteDNS) },
	"ca":               (*accessFile).authorities,
	"tls":              (*accessFile).tls,
	"insecure":         func(f *accessFile, r *accessRule, n ast.Node) error { return f.truth(n, &r.Insecure) },
}

func (f *accessFile) rule(node ast.Node) (fetch.Rule, error) {
	fields, ok := node.(ast.MapNode)
	if !ok {
		return fetch.Rule{}, f.wrong(node,
			errors.New(`not a rule: write "- hosts: [example.org]" and the rule's fields below it`))
	}
	var r accessRule
	for field := fields.MapRange(); field.Next(); {
		name := field.Key().GetToken().Value
		read := accessFields[name]
		if read == nil {
			return r.Rule, f.wrong(field.Key(),
				fmt.Errorf("unknown field %q: want hosts, headers, cookies, user, password, proxies, proxy_remote_dns, ca, cert, key, insecure or tls", name))
		}
		if err := read(f, &r, field.Value()); err != nil {
			return r.Rule, err
		}
	}
	r.Login = urltext.NewLogin(r.user, r.password)
	for _, text := range r.proxies {
		p, err := parseProxy(text, r.remoteDNS)
		if err != nil {
			return r.Rule, f.wrong(node, err)
		}
		r.Proxies = append(r.Proxies, p)
	}
	if err := r.loadCertificate(); err != nil {
		return r.Rule, f.wrong(node, err)
	}
	if err := r.Check(); err != nil {
		return r.Rule, f.wrong(node, err)
	}
	return r.Rule, nil
}

// loadCertificate reads the client certificate of a rule. Its error does not quote the key.
func (r *accessRule) loadCertificate() error {
	switch {
	case r.cert == "" && r.key == "":
		return nil
	case r.key == "":
		return errors.New("cert: it has no key: name the file of its private key (key)")
	case r.cert == "":
		return errors.New("key: it has no certificate: name its file (cert)")
	}
	certificate, err := tls.LoadX509KeyPair(r.cert, r.key)
	if err != nil {
		return fmt.Errorf("cert %s, key %s: %w", r.cert, r.key, err)
	}
	r.Certificates = []tls.Certificate{certificate}
	return nil
}

// parseProxy parses a proxy. The text "direct" stands for no proxy.
func parseProxy(text string, remoteDNS bool) (*proxy.Proxy, error) {
	if text == "direct" {
		return nil, nil
	}
	return proxy.Parse(text, remoteDNS)
}

func (f *accessFile) hosts(r *accessRule, n ast.Node) error {
	return f.each(n, func(n ast.Node) error {
		text, err := f.text(n)
		if err != nil {
			return err
		}
		p, err := fetch.ParseHostPattern(text)
		if err != nil {
			return f.wrong(n, err)
		}
		r.Hosts = append(r.Hosts, p)
		return nil
	})
}

func (f *accessFile) headers(r *accessRule, n ast.Node) error {
	r.Header = make(map[string][]string)
	return f.pairs(n, "headers", func(name, value string) error {
		if err := fetch.CheckHeader(name, value); err != nil {
			return err
		}
		r.Header.Add(name, value)
		return nil
	})
}

func (f *accessFile) cookies(r *accessRule, n ast.Node) error {
	return f.pairs(n, "cookies", func(name, value string) error {
		c := &http.Cookie{Name: name, Value: value}
		r.Cookies = append(r.Cookies, c)
		return cookie.Check(c)
	})
}

// pairs calls add for each name of a map with its value, which may be a secret.
func (f *accessFile) pairs(n ast.Node, what string, add func(name, value string) error) error {
	fields, ok := n.(ast.MapNode)
	if !ok {
		return f.wrong(n, fmt.Errorf("%s: want NAME: VALUE, one per line", what))
	}
	for field := fields.MapRange(); field.Next(); {
		value, err := f.hidden(field.Value())
		if err != nil {
			return err
		}
		if err := add(field.Key().GetToken().Value, value); err != nil {
			return f.wrong(field.Key(), err)
		}
	}
	return nil
}

func (f *accessFile) proxies(r *accessRule, n ast.Node) error {
	return f.each(n, func(n ast.Node) error {
		text, err := f.text(n)
		if err != nil {
			return err
		}
		f.secret = f.secret || strings.Contains(references.ReplaceAllString(text, ""), "@") &&
			!references.MatchString(text)
		text, err = expand(text, f.folder(), escapeLogin)
		if err != nil {
			return f.wrong(n, err)
		}
		r.proxies = append(r.proxies, text)
		return nil
	})
}

func (f *accessFile) authorities(r *accessRule, n ast.Node) error {
	return f.each(n, func(n ast.Node) error {
		var path string
		if err := f.filePath(n, &path); err != nil {
			return err
		}
		found, err := readAuthorities(path)
		if err != nil {
			return f.wrong(n, err)
		}
		r.CAs = append(r.CAs, found...)
		return nil
	})
}

func (f *accessFile) tls(r *accessRule, n ast.Node) error {
	text, err := f.text(n)
	r.TLS = crawler.TLSKind(text)
	return err
}

// filePath reads the path of a file. A relative one starts from the folder of the access file.
func (f *accessFile) filePath(n ast.Node, to *string) error {
	path, err := f.text(n)
	if err == nil && !filepath.IsAbs(path) {
		path = filepath.Join(f.folder(), path)
	}
	*to = path
	return err
}

// folder returns the directory that relative paths in the file start from.
func (f *accessFile) folder() string { return filepath.Dir(f.path) }

// each calls read for each element of a list, or for the value itself if it is not a list.
func (f *accessFile) each(n ast.Node, read func(ast.Node) error) error {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return read(n)
	}
	for _, one := range list.Values {
		if err := read(one); err != nil {
			return err
		}
	}
	return nil
}

// text returns a value as it is written.
func (f *accessFile) text(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return strings.TrimSuffix(n.Value.Value, "\n"), nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	}
	return "", f.wrong(n, errors.New("want a string here"))
}

// value returns a value with its references replaced by what they refer to.
func (f *accessFile) value(n ast.Node) (string, error) {
	text, err := f.text(n)
	if err != nil {
		return "", err
	}
	if text, err = expand(text, f.folder(), asIs); err != nil {
		return "", f.wrong(n, err)
	}
	return text, nil
}

// hidden is value for something that may be a secret.
func (f *accessFile) hidden(n ast.Node) (string, error) {
	text, err := f.text(n)
	f.secret = f.secret || err == nil && !references.MatchString(text)
	if err != nil {
		return "", err
	}
	return f.value(n)
}

func (f *accessFile) truth(n ast.Node, to *bool) error {
	is, ok := n.(*ast.BoolNode)
	if !ok {
		return f.wrong(n, errors.New("want true or false here"))
	}
	*to = is.Value
	return nil
}
