// Command site serves small sites at port 8080, and prints the URL of each
// request. The arguments are the names of the sites, each with the number of its
// pages: alpha=12. The pages of a site form a tree; each links to another host
// as well.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	sites := make(map[string]int)
	for _, arg := range os.Args[1:] {
		name, text, _ := strings.Cut(arg, "=")
		pages, err := strconv.Atoi(text)
		if err != nil {
			log.Fatal(err)
		}
		sites[name+":8080"] = pages
	}
	log.Fatal(http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("http://%s%s\n", r.Host, r.URL.Path)
		pages := sites[r.Host]
		page, err := strconv.Atoi(strings.TrimPrefix("0"+r.URL.Path, "0/"))
		if r.URL.Path == "/" {
			page, err = 0, nil
		}
		if err != nil || page >= pages {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<title>%d</title> <a href=http://elsewhere:8080/>elsewhere</a>\n", page)
		for child := 3*page + 1; child <= 3*page+3 && child < pages; child++ {
			fmt.Fprintf(w, "<a href=/%d>%d</a>\n", child, child)
		}
	})))
}
