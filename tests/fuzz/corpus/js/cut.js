const t = { a: b };
t[c](`${`${d}`}`);fs[x];require(y