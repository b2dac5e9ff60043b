package extract

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// The rules by which elements are known as content or as boilerplate are those of
// trafilatura (Adrien Barbaresi, Apache-2.0): names that content systems give their
// elements. They are compared as written, unless folded says that case does not matter.

// names are parts of an ID or of the classes of an element.
type names struct {
	class, id, either                []string // contained in it
	foldedClass, foldedID            []string // contained in it in lower case
	classStart, idStart, eitherStart []string // at its beginning
	wholeClass, wholeID              []string // the whole of it
}

// match reports whether an element has one of the names. either is looked for in the ID
// followed by the classes, as if they were one word.
func (s *names) match(id, class string) bool {
	if id == "" && class == "" {
		return false
	}
	either := id + class
	return containsAny(class, s.class) || containsAny(id, s.id) || containsAny(either, s.either) ||
		len(s.foldedClass) > 0 && containsAny(strings.ToLower(class), s.foldedClass) ||
		len(s.foldedID) > 0 && containsAny(strings.ToLower(id), s.foldedID) ||
		startsWithAny(class, s.classStart) || startsWithAny(id, s.idStart) || startsWithAny(either, s.eitherStart) ||
		slices.Contains(s.wholeClass, class) || slices.Contains(s.wholeID, id)
}

func containsAny(s string, parts []string) bool {
	return s != "" && slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(s, part) })
}

func startsWithAny(s string, parts []string) bool {
	return s != "" && slices.ContainsFunc(parts, func(part string) bool { return strings.HasPrefix(s, part) })
}

// contentNames lists what the element with the text is called, the surest names first.
var contentNames = []names{
	{
		wholeClass: []string{"post", "entry"},
		class: []string{
			"post-text", "post_text", "post-body", "post-entry", "postentry", "post-content", "post_content",
			"post_inner_wrapper", "article-text", "entry-content", "article-content", "article__content",
			"article-body",
			"article__body", "ArticleContent", "page-content", "text-content", "body-text", "article__container",
			"art-content",
		},
		foldedClass: []string{"postcontent", "articletext", "articlebody"},
		id: []string{
			"entry-content", "article-content", "article__content", "article-body", "article__body", "body-text",
			"art-content",
		},
		foldedID: []string{"articlebody"},
		wholeID:  []string{"articleContent"},
	},
	{}, // the element article
	{
		class: []string{
			"post-bodycopy", "storycontent", "story-content", "theme-content", "blog-content", "section-content",
			"single-content", "single-post", "main-column", "wpb_text_column", "story-body", "field-body",
		},
		foldedClass: []string{"fulltext"},
		wholeClass:  []string{"postarea", "art-postcontent", "text", "cell", "story"},
		classStart:  []string{"article"},
		id:          []string{"story-body"},
		idStart:     []string{"primary"},
		wholeID:     []string{"article", "story"},
	},
	{
		class:       []string{"content-main", "content_main", "content-body", "content__body"},
		foldedClass: []string{"main-content", "page-content"},
		wholeClass:  []string{"content"},
		id:          []string{"content-main", "content-body", "contentBody"},
		foldedID:    []string{"main-content"},
		wholeID:     []string{"content"},
	},
	{classStart: []string{"main"}, idStart: []string{"main"}},
}

// contentElements may be the element with the text.
var contentElements = setOf("article", "div", "main", "section")

// isContent reports whether an element has one of the names of contentNames[rank], or the
// attribute or element that stands for them.
func isContent(n *html.Node, rank int) bool {
	if !contentElements[n.Data] {
		return false
	}
	switch rank {
	case 0:
		if attribute(n, "itemprop") == "articleBody" {
			return true
		}
	case 1:
		return n.Data == "article"
	case 2:
		if attribute(n, "role") == "article" {
			return true
		}
	case 4:
		if n.Data == "main" || strings.HasPrefix(attribute(n, "role"), "main") {
			return true
		}
	}
	return contentNames[rank].match(attribute(n, "id"), attribute(n, "class"))
}

// discarded lists what boilerplate is called, in the elements of discardedElements.
var discarded = names{
	class: []string{
		"elated", "share-", "sociable", "embed", "subnav", "tag-list", "bar", "meta", "menu", "avigation",
		"navbox", "rating", "widget", "attachment", "timestamp", "user-info", "user-profile", "-ad-", "-icon",
		"article-infos",
		"nfoline", "outbrain", "taboola", "criteo", "options", "expand", "consent", "modal-content", " ad ",
		"permission",
		"next-", "-stories", "most-popular", "mol-factbox", "yin", "zlylin", "xg1", "slide", "viewport", "overlay",
		"paid-content", "paidcontent", "obfuscated", "blurred", "caption",
	},
	foldedClass: []string{"footer", "byline", "teaser"},
	classStart:  []string{"nav", "post-nav", "ZendeskForm"},
	id:          []string{"related", "menu", "bmdh", "premium"},
	foldedID:    []string{"footer", "share", "nav", "teaser"},
	idStart:     []string{"jp-", "dpsp-content"},
	either: []string{
		"viral", "social", "syndication", "newsletter", "cookie", "tags", "sidebar", "banner", "breadcrumb",
		"bread-crumb", "author", "button", "message-container",
	},
	eitherStart: []string{"shar"},
}

var discardedElements = setOf("div", "dd", "dt", "li", "ul", "ol", "dl", "p", "section", "span")

// discardedAnywhere lists what comments and hidden elements are called, in any element.
var discardedAnywhere = names{
	class: []string{
		"comments-title", "nocomments", "-reply-", "message", "akismet", "suggest-links", "-hide-", "hide-print",
		" hidden", " hide", "noprint", "notloaded",
	},
	classStart:  []string{"hide-"},
	id:          []string{"reader-comments", "akismet", "hidden"},
	eitherStart: []string{"reply-"},
}

// isDiscarded reports whether an element is boilerplate by its names.
func isDiscarded(n *html.Node) bool {
	id, class := attribute(n, "id"), attribute(n, "class")
	if discardedElements[n.Data] && (discarded.match(id, class) ||
		strings.Contains(strings.ToLower(attribute(n, "role")), "nav") ||
		hasAttribute(n, "data-lp-replacement-content")) {
		return true
	}
	if discardedAnywhere.match(id, class) || attribute(n, "aria-hidden") == "true" {
		return true
	}
	style := attribute(n, "style")
	return style != "" && containsAny(style, []string{"hidden", "display:none", "display: none"})
}
