// Command site serves a small site at port 8080 under whatever name it is asked
// for, and prints the URL of each request. Its pages, whose number is the
// argument, form a tree, and each is a link away from those of other names.
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
	pages, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("http://%s%s\n", r.Host, r.URL.Path)
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
