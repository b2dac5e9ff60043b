package htmltok

// TagPlace is a position in a tag, tracked byte by byte (HTML, "tag name state" to
// "self-closing start tag state"). The zero value is the position after the "<".
type TagPlace struct {
	state  tagState
	Closes bool // the last byte was a slash, which closes the element if the tag ends next
	Ended  bool // the ">" was read
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

// Walk goes through the beginning of a tag, from its "<". It returns the length up to
// which the tag is complete: the attributes before that end there.
func (t *TagPlace) Walk(tag []byte) (whole int) {
	named := 0
	for i := 1; i < len(tag) && !t.Ended; i++ {
		if i > 1 || tag[i] != '/' {
			t.Step(tag[i])
		}
		if t.state == inTagName {
			named = i
		} else if t.state == beforeName {
			whole = i + 1
		}
	}
	if t.Ended { // the ">" is the last byte
		return len(tag) - 1
	}
	return max(whole, named)
}

// Step processes one byte.
func (t *TagPlace) Step(c byte) {
	quoted := t.state == inDoubleQuotes || t.state == inSingleQuotes
	if c == '>' && !quoted {
		t.Ended = true
		return
	}
	t.Closes = c == '/' && !quoted && t.state != inBareValue && t.state != beforeValue
	switch t.state {
	case inTagName, inName, beforeName, afterName:
		t.stepName(c)
	default:
		t.stepValue(c)
	}
}

func (t *TagPlace) stepName(c byte) {
	switch {
	case c == '/':
		t.state = beforeName
	case IsSpace(c) && t.state == inTagName:
		t.state = beforeName
	case IsSpace(c) && t.state == inName:
		t.state = afterName
	case c == '=' && (t.state == inName || t.state == afterName):
		t.state = beforeValue
	case !IsSpace(c) && t.state != inTagName:
		t.state = inName
	}
}

func (t *TagPlace) stepValue(c byte) {
	switch {
	case t.state == inDoubleQuotes && c == '"', t.state == inSingleQuotes && c == '\'',
		t.state == inBareValue && IsSpace(c):
		t.state = beforeName
	case t.state == beforeValue && c == '"':
		t.state = inDoubleQuotes
	case t.state == beforeValue && c == '\'':
		t.state = inSingleQuotes
	case t.state == beforeValue && !IsSpace(c):
		t.state = inBareValue
	}
}
