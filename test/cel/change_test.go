package cel_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// change edits an object in one place.
type change func(root any)

// set puts a value at a path such as spec.strategy.steps.0.weight.
func set(path string, value any) change {
	return func(root any) {
		parent, last := walk(root, path)
		switch p := parent.(type) {
		case map[string]any:
			p[last] = value
		case []any:
			p[index(last)] = value
		default:
			panic(path + " is not there")
		}
	}
}

// drop removes the field at a path.
func drop(path string) change {
	return func(root any) {
		parent, last := walk(root, path)
		fields, ok := parent.(map[string]any)
		if !ok || fields[last] == nil {
			panic(path + " is not there")
		}
		delete(fields, last)
	}
}

// twice appends the first item of the list at a path to the list.
func twice(path string) change {
	return func(root any) { fill(path, 1, same)(root) }
}

// fill appends n items to the list at a path, each made of its first item.
func fill(path string, n int, made func(first any, i int) any) change {
	return func(root any) {
		parent, last := walk(root, path)
		fields := parent.(map[string]any)
		list := fields[last].([]any)
		for i := range n {
			list = append(list, made(list[0], i))
		}
		fields[last] = list
	}
}

// same is the first item again.
func same(first any, _ int) any { return first }

// named is the first item under another name.
func named(first any, i int) any {
	item := map[string]any{}
	maps.Copy(item, first.(map[string]any))
	item["name"] = fmt.Sprintf("n%d", i)
	return item
}

// all makes several changes.
func all(changes ...change) change {
	return func(root any) {
		for _, c := range changes {
			c(root)
		}
	}
}

// walk finds what holds the last part of a path.
func walk(root any, path string) (parent any, last string) {
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		switch r := root.(type) {
		case map[string]any:
			root = r[part]
		case []any:
			root = r[index(part)]
		}
	}
	return root, parts[len(parts)-1]
}

func index(part string) int {
	i, err := strconv.Atoi(part)
	if err != nil {
		panic(part + " is not an index")
	}
	return i
}

// long is a text of n letters.
func long(n int) string { return strings.Repeat("a", n) }
