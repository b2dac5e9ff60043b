package commoncrawl

// refers lists the attributes that refer to something, by element. A meta, link, script or
// base element is in the head of the metadata, whether or not it is in that of the page.
var refers = map[string][]string{
	"a": {"href"}, "applet": {"codebase", "cdata"}, "area": {"href"}, "audio": {"src"}, "blockquote": {"cite"},
	"button": {"formaction"}, "del": {"cite"}, "embed": {"src"}, "form": {"action"}, "frame": {"src"},
	"iframe": {"src"}, "img": {"src", "longdesc"}, "input": {"src", "formaction"}, "ins": {"cite"},
	"menuitem": {"icon"}, "object": {"codebase", "cdata", "data"}, "q": {"cite"}, "source": {"src"},
	"track": {"src"}, "video": {"src", "poster"},
}

// refersAnywhere lists the attributes that refer to something in every element.
var refersAnywhere = []string{"background", "data-href", "data-uri"}

// describes lists the attributes that are kept beside the first reference of an element.
var describes = map[string][]string{
	"a": {"target", "alt", "title", "rel", "hreflang", "type"}, "area": {"rel"}, "form": {"target", "method"},
	"img": {"alt", "title"}, "link": {"rel", "type"}, "script": {"type"},
}

// element records what a tag refers to.
func (v *view) element(name string) {
	for _, attr := range refersAnywhere {
		v.refer(name, attr, nil)
	}
	switch name {
	case "base":
		if href, ok := v.attr("href"); ok && v.base == nil {
			v.base = &href
		}
	case "html":
		v.languages()
	case "link":
		if ref := v.reference(name, "href", describes[name]); ref != nil {
			v.links = append(v.links, ref)
		}
	case "meta":
		v.meta()
	case "script":
		if ref := v.reference(name, "src", describes[name]); ref != nil {
			v.scripts = append(v.scripts, ref)
		}
	case "a":
		v.closeAnchor()
		if v.refer(name, "href", describes[name]) {
			v.anchor = len(v.hrefs)
		}
	default:
		also := describes[name]
		for _, attr := range refers[name] {
			v.refer(name, attr, also)
			also = nil
		}
	}
}

// refer records a reference, and reports whether the tag has it.
func (v *view) refer(name, attr string, also []string) bool {
	ref := v.reference(name, attr, also)
	if ref == nil {
		return false
	}
	v.hrefs = append(v.hrefs, ref)
	return true
}

// reference describes a reference of the tag, with further attributes; nil if the tag does
// not have it.
func (v *view) reference(name, attr string, also []string) object {
	url, ok := v.attr(attr)
	if !ok {
		return nil
	}
	ref := object{{"path", pathOf(name, attr)}, {"url", brief(url)}}
	for _, more := range also {
		if value, ok := v.attr(more); ok {
			ref.add(more, value)
		}
	}
	return ref
}

// meta records a meta element that has at least two of the attributes that matter: one alone
// says nothing, such as the content of an itemprop.
func (v *view) meta() {
	var meta object
	for _, attr := range []string{"name", "rel", "content", "http-equiv", "property"} {
		if value, ok := v.attr(attr); ok {
			meta.add(attr, brief(value))
		}
	}
	if len(meta) > 1 {
		v.metas = append(v.metas, meta)
	}
}

// languages records the language that the page declares, as a meta element.
func (v *view) languages() {
	for _, attr := range []string{"lang", "xml:lang"} {
		if value, ok := v.attr(attr); ok {
			v.metas = append(v.metas, object{{"name", pathOf("html", attr)}, {"content", value}})
		}
	}
}
