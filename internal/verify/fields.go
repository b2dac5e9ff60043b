package verify

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// token is a bare item of type Token, as opposed to a String.
type token string

// param is a parameter. Its value is an int64, string, token, []byte or bool.
type param struct {
	name  string
	value any
}

// params are parameters in the order in which they came.
type params []param

// get returns the value of a parameter; nil if there is none.
func (p params) get(name string) any {
	for _, one := range p {
		if one.name == name {
			return one.value
		}
	}
	return nil
}

// item is a bare item, or an inner list if it is one, and its parameters.
type item struct {
	value  any
	list   []item
	inner  bool
	params params
}

// member is a member of a dictionary.
type member struct {
	name string
	item item
}

// reader parses structured fields (RFC 9651, 4.2). It has no support for decimals, dates and
// display strings, which no header of Web Bot Auth has.
type reader struct {
	text string
	at   int
}

func (r *reader) fail(want string) error {
	return fmt.Errorf("byte %d of %q: want %s", r.at, r.text, want)
}

func (r *reader) done() bool { return r.at >= len(r.text) }

// next returns the next byte; 0 at the end.
func (r *reader) next() byte {
	if r.done() {
		return 0
	}
	return r.text[r.at]
}

// take takes the next byte if it is b.
func (r *reader) take(b byte) bool {
	if r.done() || r.text[r.at] != b {
		return false
	}
	r.at++
	return true
}

// skip skips bytes of a set.
func (r *reader) skip(set string) {
	for !r.done() && strings.IndexByte(set, r.text[r.at]) >= 0 {
		r.at++
	}
}

// while returns the longest text from here whose bytes are good.
func (r *reader) while(good func(byte) bool) string {
	from := r.at
	for !r.done() && good(r.text[r.at]) {
		r.at++
	}
	return r.text[from:r.at]
}

const (
	lower = "abcdefghijklmnopqrstuvwxyz"
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digit = "0123456789"
)

func oneOf(set string) func(byte) bool {
	return func(b byte) bool { return strings.IndexByte(set, b) >= 0 }
}

var (
	keyBytes    = oneOf(lower + digit + "_-.*")
	tokenBytes  = oneOf(lower + upper + digit + "!#$%&'*+-.^_`|~:/")
	digitBytes  = oneOf(digit)
	base64Bytes = oneOf(lower + upper + digit + "+/=")
)

// dictionary parses a dictionary (4.2.2). Of members with one name, the last one counts.
func dictionary(text string) (all []member, err error) {
	r := &reader{text: text}
	r.skip(" ")
	for !r.done() {
		m, err := r.member()
		if err != nil {
			return nil, err
		}
		all = put(all, m)
		r.skip(" \t")
		if r.done() {
			return all, nil
		}
		if !r.take(',') {
			return nil, r.fail("a comma or the end")
		}
		if r.skip(" \t"); r.done() {
			return nil, r.fail("a member after the comma")
		}
	}
	return all, nil
}

// put adds a member, or replaces the value of one with its name.
func put(all []member, m member) []member {
	for i := range all {
		if all[i].name == m.name {
			all[i] = m
			return all
		}
	}
	return append(all, m)
}

func (r *reader) member() (m member, err error) {
	if m.name, err = r.key(); err != nil {
		return m, err
	}
	if !r.take('=') {
		m.item.value = true
		m.item.params, err = r.params()
		return m, err
	}
	m.item, err = r.itemOrList()
	return m, err
}

func (r *reader) key() (string, error) {
	if b := r.next(); b != '*' && strings.IndexByte(lower, b) < 0 {
		return "", r.fail("a key")
	}
	return r.while(keyBytes), nil
}

func (r *reader) itemOrList() (it item, err error) {
	if !r.take('(') {
		return r.item()
	}
	it.inner = true
	for {
		r.skip(" ")
		if r.take(')') {
			it.params, err = r.params()
			return it, err
		}
		one, err := r.item()
		if err != nil {
			return it, err
		}
		it.list = append(it.list, one)
		if b := r.next(); b != ' ' && b != ')' {
			return it, r.fail("a space or the end of the list")
		}
	}
}

func (r *reader) item() (it item, err error) {
	if it.value, err = r.bare(); err != nil {
		return it, err
	}
	it.params, err = r.params()
	return it, err
}

func (r *reader) params() (all params, err error) {
	for r.take(';') {
		r.skip(" ")
		p := param{value: true}
		if p.name, err = r.key(); err != nil {
			return nil, err
		}
		if r.take('=') {
			if p.value, err = r.bare(); err != nil {
				return nil, err
			}
		}
		if all.get(p.name) != nil {
			return nil, fmt.Errorf("parameter %q comes twice in %q", p.name, r.text)
		}
		all = append(all, p)
	}
	return all, nil
}

// bare parses a bare item (4.2.3.1).
func (r *reader) bare() (any, error) {
	switch b := r.next(); {
	case b == '"':
		return r.quoted()
	case b == ':':
		return r.bytes()
	case b == '?':
		return r.boolean()
	case b == '-', digitBytes(b):
		return r.integer()
	case b == '*', strings.IndexByte(lower+upper, b) >= 0:
		return token(r.while(tokenBytes)), nil
	}
	return nil, r.fail("a value")
}

func (r *reader) quoted() (string, error) {
	var out strings.Builder
	for r.at++; !r.done(); r.at++ {
		switch b := r.text[r.at]; {
		case b == '"':
			r.at++
			return out.String(), nil
		case b < ' ' || b > '~':
			return "", r.fail("a printable character")
		case b == '\\':
			if r.at++; r.next() != '"' && r.next() != '\\' {
				return "", r.fail("a quote or a backslash")
			}
		}
		out.WriteByte(r.text[r.at])
	}
	return "", r.fail("the end of the string")
}

func (r *reader) bytes() ([]byte, error) {
	r.at++
	text := r.while(base64Bytes)
	if !r.take(':') {
		return nil, r.fail("base64 that ends with a colon")
	}
	return base64.StdEncoding.DecodeString(text)
}

func (r *reader) boolean() (bool, error) {
	r.at++
	switch {
	case r.take('1'):
		return true, nil
	case r.take('0'):
		return false, nil
	}
	return false, r.fail("0 or 1")
}

// maxDigits is how many digits an integer has at most.
const maxDigits = 15

func (r *reader) integer() (int64, error) {
	sign := ""
	if r.take('-') {
		sign = "-"
	}
	digits := r.while(digitBytes)
	if len(digits) == 0 || len(digits) > maxDigits || r.next() == '.' {
		return 0, r.fail("an integer of 1 to 15 digits")
	}
	return strconv.ParseInt(sign+digits, 10, 64)
}

// String serializes the parameters (4.1.1.2).
func (p params) String() string {
	var out strings.Builder
	for _, one := range p {
		out.WriteString(";" + one.name)
		if one.value != true {
			out.WriteString("=" + serialized(one.value))
		}
	}
	return out.String()
}

// String serializes an item or an inner list with its parameters (4.1.1.1, 4.1.3).
func (it item) String() string {
	if !it.inner {
		return serialized(it.value) + it.params.String()
	}
	parts := make([]string, len(it.list))
	for i, one := range it.list {
		parts[i] = one.String()
	}
	return "(" + strings.Join(parts, " ") + ")" + it.params.String()
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func serialized(value any) string {
	switch v := value.(type) {
	case string:
		return `"` + escapes.Replace(v) + `"`
	case token:
		return string(v)
	case []byte:
		return ":" + base64.StdEncoding.EncodeToString(v) + ":"
	case bool:
		if v {
			return "?1"
		}
		return "?0"
	}
	return fmt.Sprint(value)
}
