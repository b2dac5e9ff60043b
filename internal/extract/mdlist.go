package extract

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// list writes a list. Its marks differ from those of a list directly before it, which it
// would continue otherwise.
func (w *markdown) list(n *html.Node) {
	ordered := n.Data == "ol"
	mark := "-"
	number, step := 1, 1
	if ordered {
		mark = "."
		if start, err := strconv.Atoi(strings.TrimSpace(attribute(n, "start"))); err == nil {
			number = start
		}
		if hasAttribute(n, "reversed") {
			step = -1
			if !hasAttribute(n, "start") {
				number = itemsOf(n)
			}
		}
	}
	if w.last == mark {
		mark = otherMark(mark)
	}
	loose := w.isLoose(n)
	if w.lead != nil || w.last != "" || !w.tight(n, ordered && number != 1) {
		w.part(2)
	} else {
		w.gap, w.gapAt = 1, w.gapAt[:0]
	}
	next := number
	for c := n.FirstChild; c != nil && !w.full(); c = c.NextSibling {
		switch {
		case w.skip(c):
		case c.Type == html.TextNode && strings.TrimSpace(c.Data) == "", c.Type == html.CommentNode:
		case c.Type == html.ElementNode && (c.Data == "ul" || c.Data == "ol"): // a list in a list without an item
			w.part(1)
			w.within("", "  ", func() { w.list(c) })
			w.part(1)
		default:
			value, err := strconv.Atoi(strings.TrimSpace(attribute(c, "value")))
			if ordered && err == nil && c.Type == html.ElementNode {
				number = value
			}
			if ordered && number != next { // it would be counted on
				mark = otherMark(mark)
			}
			w.item(c, w.itemMark(mark, number))
			number += step
			next = number
			if step < 0 {
				next = -1 // GFM counts upwards only
			}
			if loose {
				w.part(2)
			} else {
				w.part(1)
			}
		}
	}
	w.part(2)
	w.last = mark
}

func itemsOf(n *html.Node) (items int) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && c.Data == "li" {
			items++
		}
	}
	return items
}

func otherMark(mark string) string {
	switch mark {
	case "-":
		return "*"
	case "*":
		return "-"
	case ".":
		return ")"
	}
	return "."
}

// maxNumber is the largest number that an item may have (CommonMark 0.31, 5.2).
const maxNumber = 999_999_999

func (w *markdown) itemMark(mark string, number int) string {
	if mark == "-" || mark == "*" {
		return mark + " "
	}
	return strconv.Itoa(min(max(number, 0), maxNumber)) + mark + " "
}

// item writes an item of a list. What is in a list without an item is one.
func (w *markdown) item(n *html.Node, mark string) {
	rest := strings.Repeat(" ", len(mark))
	if label, ok := w.notes[attribute(n, "id")]; ok {
		mark, rest = "[^"+label+"]: ", "    "
	}
	w.within(mark, rest, func() {
		switch {
		case n.Type == html.ElementNode && n.Data == "li":
			w.block(n)
		case n.Type == html.TextNode || !w.isBlock(n):
			w.paragraphs([]*html.Node{n})
		default:
			w.element(n)
		}
	})
	w.gap = 0
	w.gapAt = w.gapAt[:0]
}

// tight reports whether a list may follow the line before it at once: the first list in
// an item that has nothing but a line before it. A number other than 1 may not interrupt a
// paragraph.
func (w *markdown) tight(n *html.Node, number bool) bool {
	return !number && n.Parent != nil && n.Parent.Data == "li" && !w.isLoose(n.Parent.Parent)
}

// isLoose reports whether the items of a list have more than a line of text and lists in
// them, so that there are empty lines between them.
func (w *markdown) isLoose(list *html.Node) bool {
	if list == nil {
		return false
	}
	for c := list.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != html.ElementNode || c.Data != "li" || !w.blocky[c] {
			continue
		}
		texts := 0
		text := false // in a run of inline nodes
		for k := c.FirstChild; k != nil; k = k.NextSibling {
			switch {
			case !w.isBlock(k):
				if !text && !(k.Type == html.TextNode && strings.TrimSpace(k.Data) == "") &&
					k.Type != html.CommentNode {
					text = true
					texts++
				}
			case k.Data == "ul" || k.Data == "ol":
				text = false
			case k.Data == "p" || k.Data == "div":
				text = false
				texts++
			default:
				return true
			}
		}
		if texts > 1 {
			return true
		}
	}
	return false
}

// checkbox adds the box of an item of a task list (GFM, 5.3).
func (in *inliner) checkbox(n *html.Node) {
	if inItem(n) {
		in.box(boxOf(n))
	}
}

// box adds a box, if nothing is before it.
func (in *inliner) box(box string) {
	if in.cell || in.oneLine || len(in.tokens) > 0 {
		return
	}
	in.add(rawToken, box)
	in.add(spaceToken, " ")
}

// boxOf returns the box of a task list that a checkbox is.
func boxOf(n *html.Node) string {
	if hasAttribute(n, "checked") {
		return "[x]"
	}
	return "[ ]"
}

func isCheckbox(n *html.Node) bool {
	return n.Type == html.ElementNode && n.Data == "input" && strings.EqualFold(attribute(n, "type"), "checkbox") &&
		inItem(n)
}

// inItem reports whether a node lies at the beginning of an item.
func inItem(n *html.Node) bool {
	for up := 0; n.Parent != nil && up < 4; n, up = n.Parent, up+1 {
		for prev := n.PrevSibling; prev != nil; prev = prev.PrevSibling {
			if prev.Type != html.TextNode || strings.TrimSpace(prev.Data) != "" {
				return false
			}
		}
		if n.Parent.Data == "li" {
			return true
		}
	}
	return false
}
