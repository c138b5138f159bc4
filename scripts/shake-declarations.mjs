// `shakeDeclarations` takes out of declaration files all that no door of the package leads to.
import { rmSync, writeFileSync } from 'node:fs';
import ts from 'typescript';

const OPTIONS = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, types: ['node'], skipLibCheck: true };

/** The statement of a file that holds a declaration; undefined for a whole module. */
function statementOf(node) {
  let at = node;
  while (at.parent !== undefined && !ts.isSourceFile(at.parent)) at = at.parent;
  return at.parent === undefined ? undefined : at;
}

/** Whether a member is one that only the class itself may use; a constructor that is private forbids `new`. */
function isHidden(member) {
  return (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) > 0 && !ts.isConstructorDeclaration(member);
}

/** All statements that the doors lead to, and the names that each file uses. */
function reach(program, doors) {
  const checker = program.getTypeChecker();
  const kept = new Set();
  const names = new Map();
  const waiting = [];
  const keep = (statement) => {
    if (statement === undefined || kept.has(statement)) return;
    kept.add(statement);
    waiting.push(statement);
  };
  const keepModule = (symbol) => {
    for (const file of symbol?.declarations ?? []) if (ts.isSourceFile(file)) file.statements.forEach(keep);
  };
  const follow = (symbol) => {
    for (let at = symbol; at !== undefined;) {
      for (const declaration of at.declarations ?? []) {
        const statement = statementOf(declaration);
        if (statement !== undefined && !ts.isImportDeclaration(statement)) keep(statement);
      }
      at = at.flags & ts.SymbolFlags.Alias ? checker.getImmediateAliasedSymbol(at) : undefined;
    }
  };
  const visit = (node, used) => {
    if (ts.isIdentifier(node)) {
      used.add(node.text);
      follow(checker.getSymbolAtLocation(node));
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      if (node.exportClause === undefined) keepModule(checker.getSymbolAtLocation(node.moduleSpecifier));
      else for (const element of node.exportClause.elements ?? []) follow(checker.getSymbolAtLocation(element.name));
      return;
    } else if (ts.isClassElement(node) && isHidden(node)) {
      return;
    }
    ts.forEachChild(node, (child) => visit(child, used));
  };
  for (const door of doors) {
    for (const statement of program.getSourceFile(door).statements) {
      if (!ts.isImportDeclaration(statement)) keep(statement);
    }
  }
  while (waiting.length > 0) {
    const statement = waiting.pop();
    const { fileName } = statement.getSourceFile();
    if (!names.has(fileName)) names.set(fileName, new Set());
    visit(statement, names.get(fileName));
  }
  return { kept, names };
}

/** The names of an import that are used, written anew; '' where none is. */
function shakeImport(declaration, used) {
  const { importClause } = declaration;
  const { namedBindings } = importClause;
  if (namedBindings === undefined || !ts.isNamedImports(namedBindings)) {
    const name = importClause.name ?? namedBindings.name;
    return used.has(name.text) ? declaration.getText() : '';
  }
  const unused = namedBindings.elements.filter(({ name }) => !used.has(name.text));
  if (unused.length === 0 || importClause.name !== undefined) return declaration.getText();
  const left = namedBindings.elements.filter(({ name }) => used.has(name.text));
  if (left.length === 0) return '';
  const type = importClause.isTypeOnly ? 'type ' : '';
  const list = left.map((element) => element.getText()).join(', ');
  return `import ${type}{ ${list} } from ${declaration.moduleSpecifier.getText()};`;
}

/** A statement's text; a class says of the members that only it may use that there are some, which is all that matters. */
function textOf(statement) {
  const file = statement.getSourceFile();
  const text = file.text.slice(statement.getFullStart(), statement.end);
  if (!ts.isClassDeclaration(statement)) return text;
  const hidden = statement.members.filter(isHidden);
  const start = statement.getFullStart();
  return hidden.reduceRight((rest, member, at) => {
    const mark = at === 0 ? '\n    #private;' : '';
    return rest.slice(0, member.getFullStart() - start) + mark + rest.slice(member.end - start);
  }, text);
}

/** Rewrites the declaration files among `files`, and removes those of which nothing is left. */
export function shakeDeclarations(doors, files) {
  const program = ts.createProgram(doors, OPTIONS);
  const { kept, names } = reach(program, doors);
  for (const name of files) {
    const file = program.getSourceFile(name);
    const statements = file?.statements.filter((statement) => kept.has(statement)) ?? [];
    if (statements.length === 0) {
      rmSync(name);
      continue;
    }
    const used = names.get(file.fileName);
    const imports = file.statements
      .filter((statement) => ts.isImportDeclaration(statement) && statement.importClause !== undefined)
      .map((declaration) => shakeImport(declaration, used))
      .filter((text) => text !== '');
    const body = statements.map(textOf).join('').trim();
    writeFileSync(name, `${[...imports, body].join('\n')}\n`);
  }
}
