// render CHART RELEASE NAMESPACE KUBERNETES-VERSION [VALUES.yaml]: the chart's templates as Helm
// renders them: Go's text/template with sprig's functions, include and toYaml. Not Helm itself: no
// sub-charts, hooks, lookup. What has only blanks is left out; NOTES.txt is rendered too, behind the
// rest, as comments.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type values = map[string]interface{}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load(path string) values {
	v := values{}
	text, err := os.ReadFile(path)
	check(err)
	check(yaml.Unmarshal(text, &v))
	return v
}

// Maps are merged, everything else is replaced; null removes.
func merge(into, from values) {
	for k, v := range from {
		a, ok := into[k].(values)
		b, also := v.(values)
		switch {
		case ok && also:
			merge(a, b)
		case v == nil:
			delete(into, k)
		default:
			into[k] = v
		}
	}
}

func title(m values) values {
	out := values{}
	for k, v := range m {
		out[strings.ToUpper(k[:1])+k[1:]] = v
	}
	return out
}

func functions(t *template.Template) template.FuncMap {
	f := sprig.TxtFuncMap()
	f["toYaml"] = func(v interface{}) (string, error) {
		var b bytes.Buffer
		e := yaml.NewEncoder(&b)
		e.SetIndent(2)
		err := e.Encode(v)
		return strings.TrimSuffix(b.String(), "\n"), err
	}
	f["include"] = func(name string, data interface{}) (string, error) {
		var b bytes.Buffer
		err := t.ExecuteTemplate(&b, name, data)
		return b.String(), err
	}
	f["required"] = func(text string, v interface{}) (interface{}, error) {
		if v == nil || v == "" {
			return nil, fmt.Errorf("%s", text)
		}
		return v, nil
	}
	return f
}

func main() {
	if len(os.Args) < 5 {
		check(fmt.Errorf("usage: render CHART RELEASE NAMESPACE KUBERNETES-VERSION [VALUES]"))
	}
	chart, release, namespace, version := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	v := load(filepath.Join(chart, "values.yaml"))
	if len(os.Args) > 5 {
		merge(v, load(os.Args[5]))
	}
	data := values{
		"Values":       v,
		"Chart":        title(load(filepath.Join(chart, "Chart.yaml"))),
		"Release":      values{"Name": release, "Namespace": namespace, "Service": "Helm"},
		"Capabilities": values{"KubeVersion": values{"Version": version}},
	}
	t := template.New("chart").Option("missingkey=zero")
	t.Funcs(functions(t))
	files, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	check(err)
	sort.Strings(files)
	for _, f := range files {
		text, err := os.ReadFile(f)
		check(err)
		_, err = t.New(filepath.Base(f)).Parse(string(text))
		check(err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		if strings.HasPrefix(name, "_") {
			continue
		}
		var b bytes.Buffer
		check(t.ExecuteTemplate(&b, name, data))
		text := strings.ReplaceAll(b.String(), "<no value>", "")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if name == "NOTES.txt" {
			text = "# " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n# ") + "\n"
		}
		fmt.Printf("---\n# Source: %s\n%s\n", name, strings.TrimSpace(text))
	}
}
