package htmltok

// TagName is a buffer for the name of a tag. html.Tokenizer.TagName would allocate one
// for each tag.
type TagName [16]byte

// Of returns the name of a tag in lower case. It returns nil for a name that is longer
// than all that matter.
func (t *TagName) Of(tag []byte) []byte {
	for i, c := range tag {
		switch {
		case IsSpace(c) || c == '/' || c == '>':
			return t[:i]
		case i == len(t):
			return nil
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		}
		t[i] = c
	}
	return nil
}
