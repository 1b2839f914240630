package apicheck

import (
	"bytes"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedCode proves that the code of the README and of the front page is code that runs: the lines of each block
// stand together in the root package's Examples, in the tests beside them, or in the Example of package redisstore, which
// is a module of its own.
func TestDocumentedCode(t *testing.T) {
	root := moduleRoot(t)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	examples := "\n" + read("example_test.go") + "\n" + read("webhooks/redisstore/example_test.go")
	examples += regexp.MustCompile(`\n\t`).ReplaceAllString(examples, "\n") // as the body of a function

	blocks := map[string][]string{}
	for _, m := range regexp.MustCompile("(?s)\n```go\n(.*?)```").FindAllStringSubmatch(read("README.md"), -1) {
		blocks["README.md"] = append(blocks["README.md"], m[1])
	}
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", read("doc.go"), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
		if code, ok := block.(*comment.Code); ok {
			blocks["doc.go"] = append(blocks["doc.go"], code.Text)
		}
	}

	for name, least := range map[string]int{"README.md": 12, "doc.go": 6} {
		if len(blocks[name]) < least {
			t.Errorf("%s has %d blocks of code, want at least %d", name, len(blocks[name]), least)
		}
		for _, block := range blocks[name] {
			if !strings.Contains(examples, "\n"+strings.TrimRight(block, "\n")+"\n") {
				t.Errorf("%s has code that is in no Example:\n%s", name, block)
			}
		}
	}
}

// TestLinks proves that what the documents of the repository link to, and the Go files that they name, are there.
func TestLinks(t *testing.T) {
	root := moduleRoot(t)
	link := regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)|\]\((#[^)]+)\)`)
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/README.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z0-9_/]+\\.go)`").FindAllSubmatch(text, -1) {
			if file := string(m[1]); strings.Contains(file, "/") {
				if _, err := os.Stat(filepath.Join(root, file)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			switch to := string(m[1]); {
			case len(m[2]) > 0:
				heading := bytes.ReplaceAll(m[2][1:], []byte("-"), []byte(" "))
				if !regexp.MustCompile(`(?mi)^#+ ` + regexp.QuoteMeta(string(heading)) + `$`).Match(text) {
					t.Errorf("%s has no heading for %s", name, m[2])
				}
			case !strings.Contains(to, "://"):
				if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), to)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}
