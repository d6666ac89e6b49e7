import { memo } from "react";
import ReactMarkdown, { defaultUrlTransform, type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { CopyButton } from "../parts/copy-button.tsx";
import { useWords } from "../words/words.tsx";
import { markdownBlocks } from "./markdown-blocks.ts";

const plugins = [remarkGfm];
const imageData = /^data:image\/(?:png|jpeg|gif|webp|avif);/i;

/** HTML in the text stays text; links open elsewhere and do not tell where they were followed from. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className="markdown">
      {markdownBlocks(text).map((block, at) => (
        <Block key={at} text={block} />
      ))}
    </div>
  );
}

const components: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  ),
  img: ({ src, alt }) => <Picture address={src ?? ""} alt={alt ?? ""} />,
  pre: ({ node, children }) => (
    <div className="group/code relative">
      <pre tabIndex={0}>{children}</pre>
      <span className="absolute top-1 right-1 rounded-md bg-panel opacity-0 group-focus-within/code:opacity-100 group-hover/code:opacity-100 pointer-coarse:opacity-100">
        <CopyButton text={textIn(node).trimEnd()} />
      </span>
    </div>
  ),
};

const Block = memo(function Block({ text }: { text: string }) {
  return (
    <div dir="auto">
      <ReactMarkdown
        remarkPlugins={plugins}
        urlTransform={(url, key) =>
          key === "src" && imageData.test(url) ? url : defaultUrlTransform(url)
        }
        components={components}
      >
        {text}
      </ReactMarkdown>
    </div>
  );
});

/** A picture from elsewhere is not fetched, since that would tell others what is read here. */
export function Picture(props: { address: string; alt?: string }) {
  const words = useWords();
  if (/^(data:image\/|blob:)/.test(props.address)) {
    return (
      <img
        src={props.address}
        alt={props.alt || words.chat.picture}
        className="mt-1 max-h-80 rounded"
      />
    );
  }
  const isAddress = /^https?:/i.test(props.address);
  if (!isAddress)
    return <span className="text-sm text-muted">{props.alt || words.chat.picture}</span>;
  return (
    <a
      href={props.address}
      target="_blank"
      rel="noreferrer noopener"
      className="text-sm text-accent underline"
    >
      {props.alt ? `${props.alt} · ` : ""}
      {words.chat.pictureElsewhere}
    </a>
  );
}

interface TextNode {
  value?: string;
  children?: unknown[];
}

function textIn(node: unknown): string {
  const { value, children } = (node ?? {}) as TextNode;
  return value ?? (children ?? []).map(textIn).join("");
}
