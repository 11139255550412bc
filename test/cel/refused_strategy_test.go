package cel_test

import "testing"

func TestRefusedStrategy(t *testing.T) {
	t.Parallel()
	const (
		first  = "spec.strategy.steps.0."
		second = "spec.strategy.steps.1."
		routes = `spec.strategy.steps: Invalid value: strategy.steps need a route that can split traffic: name one in traffic.httpRoutes, or remove the steps to switch the Service in one move`
		higher = `spec.strategy.steps: Invalid value: each step must have a higher weight than the step before it`
	)
	refused(t, map[string]refusal{
		"steps without traffic":   {drop("spec.traffic"), routes},
		"steps without routes":    {drop("spec.traffic.httpRoutes"), routes},
		"steps with empty routes": {set("spec.traffic.httpRoutes", []any{}), routes},

		"weight 0":                  {set(first+"weight", int64(0)), `spec.strategy.steps[0].weight: Invalid value: 0: spec.strategy.steps[0].weight in body should be greater than or equal to 1`},
		"weight negative":           {set(first+"weight", int64(-5)), `spec.strategy.steps[0].weight in body should be greater than or equal to 1`},
		"weight 101":                {set(second+"weight", int64(101)), `spec.strategy.steps[1].weight: Invalid value: 101: spec.strategy.steps[1].weight in body should be less than or equal to 100`},
		"weight in percent":         {set(first+"weight", "5%"), `spec.strategy.steps[0].weight in body must be of type integer: "string"`},
		"weight a fraction":         {set(first+"weight", 0.5), `spec.strategy.steps[0].weight in body must be of type int32: "float64"`},
		"weight not given":          {drop(first + "weight"), `spec.strategy.steps[0].weight: Required value`},
		"weights falling":           {all(set(first+"weight", int64(50)), set(second+"weight", int64(5))), higher},
		"weights standing":          {set(second+"weight", int64(5)), higher},
		"21 steps":                  {fill("spec.strategy.steps", 19, heavier), `spec.strategy.steps: Too many: 21: must have at most 20 items`},
		"step of a name twice":      {set(second+"name", "first"), `spec.strategy.steps[1]: Duplicate value: {"name":"first"}`},
		"step without a name":       {drop(first + "name"), `spec.strategy.steps[0].name: Required value`},
		"step name empty":           {set(first+"name", ""), `spec.strategy.steps[0].name in body should be at least 1 chars long`},
		"step name too long":        {set(first+"name", long(64)), `spec.strategy.steps[0].name: Too long`},
		"step name in capitals":     {set(first+"name", "First"), `spec.strategy.steps[0].name: Invalid value: "First": must consist of lower-case letters, digits and '-'`},
		"step name with a space":    {set(first+"name", "first step"), `spec.strategy.steps[0].name: Invalid value: "first step"`},
		"hold negative":             {set(first+"holdSeconds", int64(-1)), `spec.strategy.steps[0].holdSeconds in body should be greater than or equal to 0`},
		"hold over a week":          {set(first+"holdSeconds", int64(604801)), `spec.strategy.steps[0].holdSeconds in body should be less than or equal to 604800`},
		"hold as a duration":        {set(first+"holdSeconds", "1m"), `spec.strategy.steps[0].holdSeconds in body must be of type integer: "string"`},
		"approval as a bool":        {set(first+"approval", true), `spec.strategy.steps[0].approval: Invalid value: "boolean"`},
		"approval in small letters": {set(first+"approval", "required"), `spec.strategy.steps[0].approval: Unsupported value: "required": supported values: "NotRequired", "Required"`},

		"verify negative":     {set("spec.strategy.verifySeconds", int64(-1)), `spec.strategy.verifySeconds in body should be greater than or equal to 0`},
		"verify over a day":   {set("spec.strategy.verifySeconds", int64(86401)), `spec.strategy.verifySeconds in body should be less than or equal to 86400`},
		"deadline 0":          {set("spec.strategy.progressDeadlineSeconds", int64(0)), `spec.strategy.progressDeadlineSeconds in body should be greater than or equal to 1`},
		"deadline over a day": {set("spec.strategy.progressDeadlineSeconds", int64(86401)), `spec.strategy.progressDeadlineSeconds in body should be less than or equal to 86400`},
		"drain negative":      {set("spec.strategy.drainSeconds", int64(-1)), `spec.strategy.drainSeconds in body should be greater than or equal to 0`},
		"drain over an hour":  {set("spec.strategy.drainSeconds", int64(3601)), `spec.strategy.drainSeconds in body should be less than or equal to 3600`},

		"steps written by another name": {set("spec.strategy.canarySteps", []any{}), `unknown field "spec.strategy.canarySteps"`},
		"weight misspelt":               {set(first+"wieght", int64(5)), `unknown field "spec.strategy.steps[0].wieght"`},
		"replicas misspelt":             {set("spec.replica", int64(5)), `unknown field "spec.replica"`},
		"stanza in the wrong case":      {set("spec.Strategy", map[string]any{}), `unknown field "spec.Strategy"`},
		"stanza beside the spec":        {set("strategy", map[string]any{}), `unknown field "strategy"`},
		"selector, as a Deployment has": {set("spec.selector", map[string]any{}), `unknown field "spec.selector"`},
	})
}

// heavier is a step of another name and a higher weight.
func heavier(first any, i int) any {
	step := named(first, i).(map[string]any)
	step["weight"] = int64(51 + i)
	return step
}
