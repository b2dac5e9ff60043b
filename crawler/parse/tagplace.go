package parse

// tagPlace is a place in a tag, told byte by byte (HTML, "tag name state" to
// "self-closing start tag state"). The zero value is behind the "<".
type tagPlace struct {
	state  tagState
	closes bool // the last byte was a slash that closes the element, if the tag ends now
	ended  bool // the ">" was read
}

type tagState uint8

const (
	inTagName tagState = iota
	beforeName
	inName
	afterName
	beforeValue
	inDoubleQuotes
	inSingleQuotes
	inBareValue
)

// walk goes through the beginning of a tag, from its "<", and returns up to where
// it is whole: the attributes before that end there.
func (t *tagPlace) walk(tag []byte) (whole int) {
	named := 0
	for i := 1; i < len(tag) && !t.ended; i++ {
		if i > 1 || tag[i] != '/' {
			t.step(tag[i])
		}
		if t.state == inTagName {
			named = i
		} else if t.state == beforeName {
			whole = i + 1
		}
	}
	if t.ended { // its ">" is the last byte
		return len(tag) - 1
	}
	return max(whole, named)
}

// step reads one byte.
func (t *tagPlace) step(c byte) {
	quoted := t.state == inDoubleQuotes || t.state == inSingleQuotes
	if c == '>' && !quoted {
		t.ended = true
		return
	}
	t.closes = c == '/' && !quoted && t.state != inBareValue && t.state != beforeValue
	switch t.state {
	case inTagName, inName, beforeName, afterName:
		t.stepName(c)
	default:
		t.stepValue(c)
	}
}

func (t *tagPlace) stepName(c byte) {
	switch {
	case c == '/':
		t.state = beforeName
	case isSpace(c) && t.state == inTagName:
		t.state = beforeName
	case isSpace(c) && t.state == inName:
		t.state = afterName
	case c == '=' && (t.state == inName || t.state == afterName):
		t.state = beforeValue
	case !isSpace(c) && t.state != inTagName:
		t.state = inName
	}
}

func (t *tagPlace) stepValue(c byte) {
	switch {
	case t.state == inDoubleQuotes && c == '"', t.state == inSingleQuotes && c == '\'', t.state == inBareValue && isSpace(c):
		t.state = beforeName
	case t.state == beforeValue && c == '"':
		t.state = inDoubleQuotes
	case t.state == beforeValue && c == '\'':
		t.state = inSingleQuotes
	case t.state == beforeValue && !isSpace(c):
		t.state = inBareValue
	}
}
