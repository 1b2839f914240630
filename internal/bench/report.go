package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

//go:embed plain/plain.gen.go
var generated string

var generator = regexp.MustCompile(`by (\S+ version \S+) DO NOT EDIT`)

// environment returns what the figures depend on.
func environment() []string {
	cpu := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(info); m != nil {
			cpu = string(m[1])
		}
	}
	toolchain := runtime.Version()
	for _, name := range []string{"GOGC", "GOMEMLIMIT", "GODEBUG"} {
		if v := os.Getenv(name); v != "" {
			toolchain += " " + name + "=" + v
		}
	}
	modules := []string{"this SDK" + revision()}
	if m := generator.FindStringSubmatch(generated); m != nil {
		modules = append(modules, m[1])
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Replace == nil {
				modules = append(modules, m.Path+" "+m.Version)
			}
		}
	}
	return []string{
		fmt.Sprintf("%s, %d cores, %s/%s", cpu, runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH),
		toolchain,
		strings.Join(modules, ", "),
	}
}

// revision returns what git says of the SDK.
func revision() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return " " + strings.TrimSpace(string(out))
}
