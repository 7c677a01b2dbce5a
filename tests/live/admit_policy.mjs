// Evaluates ValidatingAdmissionPolicy expressions: standard input has a JSON list of {name, policy,
// object, allowed}; prints what is wrong, and at the end "N right, M wrong". Also parses the
// expressions of {name, parse: [...]}. @bufbuild/cel is looked for in $BOLTSEAL_NODE_MODULES.
import fs from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.BOLTSEAL_NODE_MODULES}/x.js`);
const { run, parse } = await import(pathToFileURL(require.resolve("@bufbuild/cel")));
const { strings } = await import(pathToFileURL(require.resolve("@bufbuild/cel/ext")));

function value(v) {
	if (Array.isArray(v)) return v.map(value);
	if (v && typeof v === "object")
		return new Map(Object.entries(v).map(([k, x]) => [k, value(x)]));
	return Number.isInteger(v) ? BigInt(v) : v;
}

function judge(policy, object) {
	const env = { object: value(object), variables: new Map(),
		      request: value({ operation: "CREATE", userInfo: { username: "u" } }) };
	const ask = (x) => run(x.expression, env, { funcs: strings });
	for (const c of policy.matchConditions ?? []) if (ask(c) !== true) return "not matched";
	for (const v of policy.variables) env.variables.set(v.name, ask(v));
	for (const v of policy.validations) {
		const r = ask(v);
		if (r !== true) return r === false ? v.message : `${v.message}: ${r}`;
	}
	return "";
}

let right = 0, wrong = 0;
for (const c of JSON.parse(fs.readFileSync(0, "utf8"))) {
	let why = "";
	try {
		if (c.parse) c.parse.forEach((x) => parse(x));
		else why = judge(c.policy, c.object);
	} catch (e) {
		why = String(e);
	}
	if (c.parse ? !why : (why === "") === c.allowed && !/Error/.test(why)) right++;
	else {
		wrong++;
		console.log(`${c.name}: ${why || "let through"}`);
	}
}
console.log(`${right} right, ${wrong} wrong`);
